using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>The upstream cursor under this view's schema, for when no feature column is active: nothing is buffered, nothing computed.</summary>
internal sealed class PassThroughCursor(FeaturizedSchema columns, DataViewRowCursor input, bool[] active) : DataViewRowCursor
{
    public override DataViewSchema Schema => columns.Schema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        columns.CheckColumn(column);
        return active[column.Index];
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        FeaturizedSchema.CheckGetter<TValue>(column, IsColumnActive(column));
        return input.GetGetter<TValue>(input.Schema[column.Index]);
    }

    public override bool MoveNext() => input.MoveNext();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            input.Dispose();
        base.Dispose(disposing);
    }
}
