using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view of some of its source's columns, and a mapper of single rows to them.</summary>
internal sealed class ColumnSubsetView : DataTransformBase, IRowToRowMapper
{
    private readonly int[] _kept;

    /// <param name="env">The environment.</param>
    /// <param name="source">The source.</param>
    /// <param name="kept">Indices of the columns, in the order in which they are shown.</param>
    public ColumnSubsetView(IHostEnvironment env, IDataView source, int[] kept) : base(env, "ChooseColumns", source)
    {
        _kept = kept;
        Schema = SchemaExtensions.MakeSchema(kept.Select(c => new DataViewSchema.DetachedColumn(source.Schema[c])));
    }

    public override DataViewSchema Schema { get; }

    public DataViewSchema InputSchema => Source.Schema;

    public DataViewSchema OutputSchema => Schema;

    /// <summary>The columns that can be buffered; the source itself where all can.</summary>
    public static IDataView KeepCacheable(IHostEnvironment env, IDataView source) => Keep(env, source, c => c.Type.IsCacheable());

    /// <summary>All columns but those of a name.</summary>
    public static IDataView Drop(IHostEnvironment env, IDataView source, string name) => Keep(env, source, c => c.Name != name);

    public override long? GetRowCount() => Source.GetRowCount();

    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        return Array.ConvertAll(Source.GetRowCursorSet(SourceColumns(active), n, rand), DataViewRowCursor (input) => new Cursor(this, input, active));
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => SourceColumns(RowCursorUtils.ToActive(dependingColumns, Schema));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Host.CheckValue(input, nameof(input));
        Host.Check(input.Schema == InputSchema, "Schema of input row must be the same as the schema the mapper is bound to");
        return new Row(this, input, RowCursorUtils.ToActive(activeColumns, Schema));
    }

    protected override bool? ShouldUseParallelCursors(bool[] active) => null;

    protected override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand) => new Cursor(this, Source.GetRowCursor(SourceColumns(active), rand), active);

    private static IDataView Keep(IHostEnvironment env, IDataView source, Func<DataViewSchema.Column, bool> keep)
    {
        int[] kept = [.. source.Schema.Where(keep).Select(c => c.Index)];
        return kept.Length == source.Schema.Count ? source : new ColumnSubsetView(env, source, kept);
    }

    private IEnumerable<DataViewSchema.Column> SourceColumns(bool[] active) => _kept.Where((_, i) => active[i]).Distinct().Select(c => Source.Schema[c]);

    private ValueGetter<TValue> GetGetter<TValue>(DataViewRow input, bool[] active, DataViewSchema.Column column)
    {
        Host.Check(active[column.Index], "requested column not active");
        return input.GetGetter<TValue>(input.Schema[_kept[column.Index]]);
    }

    private sealed class Cursor(ColumnSubsetView owner, DataViewRowCursor input, bool[] active) : SynchronizedCursorBase(owner.Host, input)
    {
        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            Ch.Check(column.Index < active.Length);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => owner.GetGetter<TValue>(Input, active, column);
    }

    private sealed class Row(ColumnSubsetView owner, DataViewRow input, bool[] active) : WrappingRow(input)
    {
        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => owner.GetGetter<TValue>(Input, active, column);
    }
}
