using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Some of a view's rows, chosen by the values of some columns.</summary>
internal abstract class RowFilterBase(IHostEnvironment env, string name, IDataView source) : DataTransformBase(env, name, source)
{
    public sealed override DataViewSchema Schema => Source.Schema;

    public sealed override long? GetRowCount() => null;

    public sealed override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        return Array.ConvertAll(Source.GetRowCursorSet(SourceColumns(active), n, rand), input => CreateCursor(input, active));
    }

    protected override bool? ShouldUseParallelCursors(bool[] active) => null;

    protected sealed override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand) => CreateCursor(Source.GetRowCursor(SourceColumns(active), rand), active);

    /// <summary>Whether the rows are chosen by that column's values.</summary>
    protected abstract bool DependsOn(int column);

    protected abstract DataViewRowCursor CreateCursor(DataViewRowCursor input, bool[] active);

    private IEnumerable<DataViewSchema.Column> SourceColumns(bool[] active) => Schema.Where(c => active[c.Index] || DependsOn(c.Index));
}
