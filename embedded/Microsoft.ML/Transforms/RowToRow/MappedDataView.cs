using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view whose rows are those of another view with columns added, changed or left out, one by one and only when read.</summary>
/// <param name="source">The view to read from.</param>
/// <param name="mapper">Bound to the source's schema.</param>
internal sealed class MappedDataView(IDataView source, IRowToRowMapper mapper) : IDataView
{
    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => mapper.OutputSchema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        Contracts.CheckValue(columnsNeeded, nameof(columnsNeeded));
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        return MakeCursor(source.GetRowCursor(mapper.GetDependencies(columns), rand), columns);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        Contracts.CheckValue(columnsNeeded, nameof(columnsNeeded));
        DataViewSchema.Column[] columns = columnsNeeded.ToArray();
        return Array.ConvertAll(source.GetRowCursorSet(mapper.GetDependencies(columns), n, rand), input => MakeCursor(input, columns));
    }

    private Cursor MakeCursor(DataViewRowCursor input, DataViewSchema.Column[] columns)
    {
        try
        {
            return new Cursor(input, mapper.GetRow(input, columns));
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    private sealed class Cursor(DataViewRowCursor input, DataViewRow row) : DataViewRowCursor
    {
        public override long Position => row.Position;

        public override long Batch => row.Batch;

        public override DataViewSchema Schema => row.Schema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => row.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => row.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => row.GetGetter<TValue>(column);

        public override bool MoveNext() => input.MoveNext();

        protected override void Dispose(bool disposing)
        {
            // The row disposes of the input with itself.
            if (disposing)
                row.Dispose();
            base.Dispose(disposing);
        }
    }
}
