using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view without rows: what a mapper of single rows is bound to.</summary>
internal sealed class EmptyDataView(IHostEnvironment env, DataViewSchema schema) : IDataView
{
    public bool CanShuffle => true;

    public DataViewSchema Schema => schema;

    public long? GetRowCount() => 0;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => new Cursor(env, schema, RowCursorUtils.ToActive(columnsNeeded, schema));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(IChannelProvider provider, DataViewSchema schema, bool[] active) : RootCursorBase(provider)
    {
        public override DataViewSchema Schema => schema;

        public override long Batch => 0;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId _) => throw Ch.Except(RowCursorUtils.FetchValueStateError);

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Ch.Check(IsColumnActive(column), "Can't get getter for inactive column");
            if (typeof(TValue) != schema[column.Index].Type.RawType)
                throw Ch.Except($"Invalid TValue in GetGetter: '{typeof(TValue)}', expected type: '{schema[column.Index].Type.RawType}'.");
            return (ref TValue _) => throw Ch.Except(RowCursorUtils.FetchValueStateError);
        }

        protected override bool MoveNextCore() => false;
    }
}
