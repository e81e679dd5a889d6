using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view without some of its source's columns.</summary>
internal sealed class ColumnSubsetView : DataTransformBase
{
    private readonly int[] _kept;

    private ColumnSubsetView(IHostEnvironment env, IDataView source, int[] kept) : base(env, "ChooseColumns", source)
    {
        _kept = kept;
        Schema = SchemaExtensions.MakeSchema(kept.Select(c => new DataViewSchema.DetachedColumn(source.Schema[c])));
    }

    public override DataViewSchema Schema { get; }

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

    protected override bool? ShouldUseParallelCursors(bool[] active) => null;

    protected override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand) => new Cursor(this, Source.GetRowCursor(SourceColumns(active), rand), active);

    private static IDataView Keep(IHostEnvironment env, IDataView source, Func<DataViewSchema.Column, bool> keep)
    {
        int[] kept = [.. source.Schema.Where(keep).Select(c => c.Index)];
        return kept.Length == source.Schema.Count ? source : new ColumnSubsetView(env, source, kept);
    }

    private IEnumerable<DataViewSchema.Column> SourceColumns(bool[] active) => _kept.Where((_, i) => active[i]).Select(c => Source.Schema[c]);

    private sealed class Cursor(ColumnSubsetView owner, DataViewRowCursor input, bool[] active) : SynchronizedCursorBase(owner.Host, input)
    {
        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            Ch.Check(column.Index < active.Length);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Ch.Check(IsColumnActive(column), "requested column not active");
            return Input.GetGetter<TValue>(Input.Schema[owner._kept[column.Index]]);
        }
    }
}
