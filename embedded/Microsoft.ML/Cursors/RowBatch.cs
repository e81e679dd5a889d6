namespace Microsoft.ML.Data;

/// <summary>Some successive rows of a cursor: the active columns' values and, last, the rows' ids.</summary>
internal sealed class RowBatch(ColumnBuffer[] columns)
{
    public ColumnBuffer[] Columns { get; } = columns;

    public int Count { get; set; }

    public long Number { get; set; }

    /// <summary>What went wrong while the rows were made, instead of rows.</summary>
    public Exception Error { get; init; }
}
