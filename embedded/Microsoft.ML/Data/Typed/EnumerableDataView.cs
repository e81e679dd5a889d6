using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view over objects in memory, enumerated anew by each cursor.</summary>
internal sealed class EnumerableDataView<TRow> : IDataView where TRow : class
{
    private readonly IHost _host;
    private readonly IEnumerable<TRow> _data;
    private readonly MappedMember[] _members;

    public EnumerableDataView(IHostEnvironment env, IEnumerable<TRow> data, SchemaDefinition definition)
    {
        _host = env.Register("StreamingDataView");
        _data = data;
        _members = MemberMapping.Create(typeof(TRow), definition, SchemaDefinition.Direction.Read);
        Schema = MemberMapping.ToSchema(_members);
    }

    public bool CanShuffle => false;

    public DataViewSchema Schema { get; }

    public long? GetRowCount() => (_data as ICollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => new Cursor(this, RowCursorUtils.ToActive(columnsNeeded, Schema));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursorBase
    {
        private readonly IEnumerator<TRow> _rows;
        private readonly ObjectColumns<TRow> _columns;
        private TRow _current;

        public Cursor(EnumerableDataView<TRow> owner, bool[] active) : base(owner._host)
        {
            Schema = owner.Schema;
            _columns = new(Ch, owner._members, active, () => _current ?? throw Ch.Except(RowCursorUtils.FetchValueStateError));
            _rows = owner._data.GetEnumerator();
        }

        public override DataViewSchema Schema { get; }

        public override long Batch => 0;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            Ch.Check(IsGood, RowCursorUtils.FetchValueStateError);
            id = new DataViewRowId((ulong)Position, 0);
        };

        public override bool IsColumnActive(DataViewSchema.Column column) => _columns.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _columns.GetGetter<TValue>(column);

        protected override bool MoveNextCore()
        {
            if (!_rows.MoveNext())
                return false;
            _current = _rows.Current ?? throw Ch.Except("Encountered null when iterating over data, this is not supported.");
            return true;
        }

        protected override void Close()
        {
            _current = null;
            _rows.Dispose();
        }
    }
}
