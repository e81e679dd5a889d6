using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view of some of another view's columns, and a mapper of its rows.</summary>
internal sealed class ColumnSelectionView : IDataView, IRowToRowMapper
{
    private readonly IHost _host;
    private readonly IDataView _source;
    private readonly DataViewSchema.Column[] _columns;

    /// <param name="env">The environment.</param>
    /// <param name="source">The other view.</param>
    /// <param name="columns">The columns to show, in order.</param>
    public ColumnSelectionView(IHostEnvironment env, IDataView source, DataViewSchema.Column[] columns)
    {
        _host = env.Register(nameof(ColumnSelectionView));
        _source = source;
        _columns = columns;
        Schema = SchemaExtensions.MakeSchema(columns.Select(column => new DataViewSchema.DetachedColumn(column)));
    }

    public bool CanShuffle => _source.CanShuffle;

    public DataViewSchema Schema { get; }

    public DataViewSchema InputSchema => _source.Schema;

    public DataViewSchema OutputSchema => Schema;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        return new Cursor(this, _source.GetRowCursor(GetSources(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        return Array.ConvertAll(_source.GetRowCursorSet(GetSources(active), n, rand), DataViewRowCursor (input) => new Cursor(this, input, active));
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => GetSources(RowCursorUtils.ToActive(dependingColumns, Schema));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        _host.CheckValue(input, nameof(input));
        _host.Check(input.Schema == InputSchema, "Schema of input row must be the same as the schema the mapper is bound to");
        return new Row(this, input, RowCursorUtils.ToActive(activeColumns, Schema));
    }

    private IEnumerable<DataViewSchema.Column> GetSources(bool[] active) => _columns.Where((_, i) => active[i]).DistinctBy(column => column.Index);

    private ValueGetter<TValue> GetGetter<TValue>(DataViewRow input, bool[] active, DataViewSchema.Column column)
    {
        _host.Check(active[column.Index], $"Column '{column.Name}' is not active, so its values can't be asked for.");
        return input.GetGetter<TValue>(_columns[column.Index]);
    }

    private sealed class Cursor(ColumnSelectionView owner, DataViewRowCursor input, bool[] active) : SynchronizedCursorBase(owner._host, input)
    {
        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => owner.GetGetter<TValue>(Input, active, column);
    }

    private sealed class Row(ColumnSelectionView owner, DataViewRow input, bool[] active) : WrappingRow(input)
    {
        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => owner.GetGetter<TValue>(Input, active, column);
    }
}
