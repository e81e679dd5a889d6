namespace Microsoft.ML.Data;

/// <summary>Shorter ways to open cursors and rows.</summary>
internal static class DataViewExtensions
{
    public static DataViewRowCursor GetRowCursor(this IDataView data, params DataViewSchema.Column[] columnsNeeded) => data.GetRowCursor(columnsNeeded, null);

    public static DataViewRowCursor GetRowCursorForAllColumns(this IDataView data) => data.GetRowCursor(data.Schema, null);

    public static DataViewRow GetRow(this IRowToRowMapper mapper, DataViewRow input, params DataViewSchema.Column[] activeColumns) => mapper.GetRow(input, activeColumns);
}
