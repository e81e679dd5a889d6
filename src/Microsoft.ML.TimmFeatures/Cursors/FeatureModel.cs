using Backbones;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Features of a backbone.</summary>
internal sealed class FeatureModel(ModelSource<FeaturizerSession> source, FeaturizerOptions options) : RowModel(new PassSettings(options.ModelName, options.Progress, options.Cancellation))
{
    public override int RowsPerBatch(IEnumerable<bool[]> active)
    {
        using Lease<FeaturizerSession> session = source.Take();
        FeatureExtractor[] extractors = [.. active.Where(o => o.Contains(true)).Select(o => session.Value.For(o))];
        return options.RowsPerBatch(extractors.MaxBy(e => e.Outputs.Sum(o => o.Shape.Length))!);
    }

    public override RowComputation Compute(bool[] active, int slots) => new FeatureComputation(source.Take(), active, slots, options);
}
