using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Featurizes one row at a time, for prediction engines. Thread safe; a row is not.</summary>
internal sealed class FeaturizedRowMapper(FeaturizedSchema columns, RowModel model, FeaturizerHost host) : IRowToRowMapper
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
            RowComputation computation = model.Compute(outputs, 1);
            return new MappedImage(input, computation.MakeBatch(input, columns.InputOf(mapping), 1), computation, model.Settings.Cancellation, host);
        }
    }

    /// <summary>One mapping's image and outputs. They are computed when they are first asked for at a new position, once for all outputs.</summary>
    private sealed class MappedImage(DataViewRow input, ImageBatch image, RowComputation computation, CancellationToken cancellation, FeaturizerHost host) : IDisposable
    {
        private long _computedAt = -1;

        public Delegate GetterOf(int output) => computation.GetterOf(output, Current, host.Error);

        private RowImage Current()
        {
            if (_computedAt != input.Position || _computedAt < 0)
            {
                _computedAt = -1;
                image.Capture(0);
                image.Prepare(0);
                computation.Compute(image, 1, host.Warn, cancellation);
                _computedAt = input.Position;
            }
            return new RowImage(image, 0);
        }

        public void Dispose() => computation.Dispose();
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
            return (ValueGetter<TValue>)images[mapping]!.GetterOf(output);
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
