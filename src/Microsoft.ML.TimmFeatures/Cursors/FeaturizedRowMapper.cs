using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Featurizes one row at a time, for prediction engines. Thread safe; a row is not.</summary>
internal sealed class FeaturizedRowMapper(FeaturizedSchema columns, ModelSource model, FeaturizerOptions options, FeaturizerHost host) : IRowToRowMapper
{
    public DataViewSchema InputSchema => columns.Input;

    public DataViewSchema OutputSchema => columns.Schema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => columns.Dependencies(dependingColumns);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        bool[] active = columns.Flags(activeColumns);
        return new Row(columns, input, active, [.. Enumerable.Range(0, columns.MappingCount).Select(m => Make(m, columns.ActiveOutputs(m, active)))]);

        MappedImage? Make(int mapping, bool[] outputs)
        {
            if (!outputs.Contains(true))
                return null;
            var features = new FeatureComputation(model.Take(), outputs, 1, options.OnImageError);
            return new MappedImage(input, new ImageBatch(input, columns.InputOf(mapping), 1, features.Extractor, options), features, options.Cancellation, host);
        }
    }

    /// <summary>One mapping's image and features. They are computed when they are first asked for at a new position, once for all outputs.</summary>
    private sealed class MappedImage(DataViewRow input, ImageBatch image, FeatureComputation features, CancellationToken cancellation, FeaturizerHost host) : IDisposable
    {
        private long _computedAt = -1;

        public void Get(int output, ref VBuffer<float> value)
        {
            if (_computedAt != input.Position || _computedAt < 0)
            {
                _computedAt = -1;
                image.Capture(0);
                image.Prepare(0);
                features.Compute(image, 1, host.Warn, cancellation);
                _computedAt = input.Position;
            }
            features.Get(image, output, 0, ref value, host.Error);
        }

        public void Dispose() => features.Dispose();
    }

    private sealed class Row(FeaturizedSchema columns, DataViewRow input, bool[] active, MappedImage?[] images) : DataViewRow
    {
        public override DataViewSchema Schema => columns.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            columns.CheckColumn(column);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            FeaturizedSchema.CheckGetter<TValue>(column, IsColumnActive(column));
            if (columns.FeatureAt(column.Index) is not (int mapping, int output))
                return input.GetGetter<TValue>(input.Schema[column.Index]);
            MappedImage image = images[mapping]!;
            ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) => image.Get(output, ref value);
            return (ValueGetter<TValue>)(Delegate)getter;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                foreach (MappedImage? image in images)
                    image?.Dispose();
                input.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
