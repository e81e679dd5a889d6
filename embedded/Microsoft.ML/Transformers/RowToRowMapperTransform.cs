using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view, and a mapper of single rows, that adds a row mapper's columns.</summary>
internal sealed class RowToRowMapperTransform : DataTransformBase, IRowToRowMapper
{
    private readonly IRowMapper _mapper;
    private readonly ColumnBindings _bindings;

    public RowToRowMapperTransform(IHostEnvironment env, IDataView input, IRowMapper mapper) : base(env, nameof(RowToRowMapperTransform), input)
    {
        _mapper = mapper;
        _bindings = new ColumnBindings(input.Schema, mapper.GetOutputColumns());
    }

    public override DataViewSchema Schema => _bindings.Schema;

    public DataViewSchema InputSchema => Source.Schema;

    public DataViewSchema OutputSchema => _bindings.Schema;

    public static DataViewSchema GetOutputSchema(DataViewSchema inputSchema, IRowMapper mapper) => new ColumnBindings(inputSchema, mapper.GetOutputColumns()).Schema;

    public override long? GetRowCount() => Source.GetRowCount();

    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        var inputs = Source.GetRowCursorSet(GetInputColumns(active), n, rand);
        if (inputs.Length == 1 && AnyAdded(active))
            inputs = DataViewUtils.CreateSplitCursors(Host, inputs[0], n);
        return Array.ConvertAll(inputs, DataViewRowCursor (input) => new Cursor(this, input, active));
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => GetInputColumns(RowCursorUtils.ToActive(dependingColumns, Schema));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Host.CheckValue(input, nameof(input));
        Host.CheckValue(activeColumns, nameof(activeColumns));
        Host.Check(input.Schema == InputSchema, "Schema of input row must be the same as the schema the mapper is bound to");
        return new Row(this, input, RowCursorUtils.ToActive(activeColumns, Schema));
    }

    protected override bool? ShouldUseParallelCursors(bool[] active) => AnyAdded(active) ? true : null;

    protected override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand) => new Cursor(this, Source.GetRowCursor(GetInputColumns(active), rand), active);

    private bool AnyAdded(bool[] active) => _bindings.AddedColumnIndices.Any(c => active[c]);

    private Func<int, bool> ActiveOutput(bool[] active) => added => active[_bindings.AddedColumnIndices[added]];

    private IEnumerable<DataViewSchema.Column> GetInputColumns(bool[] active)
    {
        bool[] passedThrough = _bindings.GetActiveInput(active);
        var needed = _mapper.GetDependencies(ActiveOutput(active));
        return InputSchema.Where(c => passedThrough[c.Index] || needed(c.Index));
    }

    /// <summary>The getters over one input row or cursor.</summary>
    private sealed class Columns
    {
        private readonly ColumnBindings _bindings;
        private readonly DataViewRow _input;
        private readonly Delegate[] _getters;
        private readonly Action _disposer;

        public Columns(RowToRowMapperTransform owner, DataViewRow input, bool[] active)
        {
            _bindings = owner._bindings;
            _input = input;
            _getters = owner._mapper.CreateGetters(input, owner.ActiveOutput(active), out _disposer);
        }

        public bool IsActive(DataViewSchema.Column column)
        {
            int index = _bindings.MapColumnIndex(out bool isSource, column.Index);
            return isSource ? _input.IsColumnActive(_input.Schema[index]) : _getters[index] is not null;
        }

        public ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            int index = _bindings.MapColumnIndex(out bool isSource, column.Index);
            return isSource ? _input.GetGetter<TValue>(_input.Schema[index]) : RowCursorUtils.As<TValue>(_getters[index], column);
        }

        public void Dispose() => _disposer?.Invoke();
    }

    private sealed class Row(RowToRowMapperTransform owner, DataViewRow input, bool[] active) : WrappingRow(input)
    {
        private readonly Columns _columns = new(owner, input, active);

        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => _columns.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _columns.GetGetter<TValue>(column);

        protected override void DisposeCore(bool disposing)
        {
            if (disposing)
                _columns.Dispose();
        }
    }

    private sealed class Cursor(RowToRowMapperTransform owner, DataViewRowCursor input, bool[] active) : SynchronizedCursorBase(owner.Host, input)
    {
        private readonly Columns _columns = new(owner, input, active);

        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            Ch.Check(column.Index < active.Length);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Ch.Check(IsColumnActive(column), "requested column not active");
            return _columns.GetGetter<TValue>(column);
        }

        protected override void Close() => _columns.Dispose();
    }
}
