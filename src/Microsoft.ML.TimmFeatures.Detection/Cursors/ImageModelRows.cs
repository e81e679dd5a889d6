using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.TimmFeatures.Cursors;
using Microsoft.ML.TimmFeatures.Detection.Models;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Detection.Cursors;

/// <summary>What views and rows compute with: results of a model of detection or segmentation.</summary>
internal sealed class ImageModelRows(ModelSource<ImageModel> source, FeaturizerOptions options) : RowModel(new PassSettings(options.ModelName, options.Progress, options.Cancellation))
{
    public override int RowsPerBatch(IEnumerable<bool[]> active)
    {
        using Lease<ImageModel> model = source.Take();
        return options.BatchSize > 0 ? options.BatchSize : model.Value.DefaultBatchSize;
    }

    public override RowComputation Compute(bool[] active, int slots) => new Computation(source.Take(), active, slots, options);

    private sealed class Computation(Lease<ImageModel> model, bool[] active, int slots, FeaturizerOptions options) : RowComputation
    {
        private readonly object?[] _results = new object?[slots];

        public override ImageBatch MakeBatch(DataViewRow row, DataViewSchema.Column column, int slots) => PictureBatch.Create(row, column, slots, options);

        public override void Compute(ImageBatch images, int count, Action<string> warn, CancellationToken cancellation)
        {
            var pictures = (PictureBatch)images;
            int[] there = [.. Enumerable.Range(0, count).Where(i => pictures.Picture(i) is not null)];
            Array.Clear(_results);
            if (!TryRun(pictures, there, cancellation, out _))
            {
                // One of them is none that the model takes: the others must not go without.
                foreach (int slot in there)
                {
                    if (!TryRun(pictures, [slot], cancellation, out ArgumentException? refusal))
                        pictures.Refuse(slot, refusal);
                }
            }
            GC.KeepAlive(this);
            if (options.OnImageError == ImageErrorMode.Throw)
                return;
            for (int slot = 0; slot < count; slot++)
            {
                if (images.Problem(slot) is { } problem)
                    warn($"{problem.Message} Its results are empty.");
            }
        }

        public override Delegate GetterOf(int output, Func<RowImage> current, Action<string> error) => model.Value.GetterOf(output, () =>
        {
            (ImageBatch images, int slot) = current();
            // Thrown here and not when the batch was computed: rows before it are good, and this one may not be wanted.
            if (options.OnImageError == ImageErrorMode.Throw && images.Problem(slot) is { } problem)
            {
                error(problem.Message);
                throw problem;
            }
            return _results[slot];
        });

        public override void Dispose() => model.Dispose();

        private bool TryRun(PictureBatch pictures, int[] slots, CancellationToken cancellation, [NotNullWhen(false)] out ArgumentException? refusal)
        {
            refusal = null;
            if (slots.Length == 0)
                return true;
            try
            {
                IReadOnlyList<object> results = model.Value.Run([.. slots.Select(i => pictures.Picture(i)!)], active, cancellation);
                for (int i = 0; i < slots.Length; i++)
                    _results[slots[i]] = results[i];
                return true;
            }
            catch (ArgumentException e)
            {
                refusal = e;
                return false;
            }
        }
    }
}
