using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Featurizes one row at a time, for prediction engines.</summary>
internal sealed class FeaturizedRowMapper(FeaturizedSchema columns, FeaturizerSession session, FeaturizerOptions options) : IRowToRowMapper
{
    public DataViewSchema InputSchema => columns.Input;

    public DataViewSchema OutputSchema => columns.Schema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => columns.Dependencies(dependingColumns);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        var active = new bool[OutputSchema.Count];
        foreach (DataViewSchema.Column column in activeColumns)
        {
            RowChecks.Column(OutputSchema, column);
            active[column.Index] = true;
        }
        ulong[] outputs = columns.ActiveOutputs(i => active[i]);
        return new Row(columns, input, active,
            [.. outputs.Select((o, m) => o == 0 ? null : new FeatureComputation(input, columns.Mappings[m], session.For(o), o, 1, options))]);
    }

    /// <summary>Follows the input row: features are computed when they are first asked for at a new position, once for all columns.</summary>
    private sealed class Row(FeaturizedSchema columns, DataViewRow input, bool[] active, FeatureComputation?[] features) : DataViewRow
    {
        private readonly long[] _computedAt = [.. Enumerable.Repeat(-1L, features.Length)];

        public override DataViewSchema Schema => columns.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            RowChecks.Column(Schema, column);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            RowChecks.Getter<TValue>(column, IsColumnActive(column));
            if (columns.FeatureAt(column.Index) is not (int mapping, int output))
                return input.GetGetter<TValue>(input.Schema[column.Index]);
            FeatureComputation computation = features[mapping]!;
            ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
            {
                if (_computedAt[mapping] != input.Position)
                {
                    _computedAt[mapping] = -1;
                    computation.Capture(0);
                    computation.Prepare(0);
                    computation.Compute(1, _ => input.Position, channel: null);
                    _computedAt[mapping] = input.Position;
                }
                computation.Get(output, 0, ref value);
            };
            return (ValueGetter<TValue>)(Delegate)getter;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
