using Microsoft.ML;
using Microsoft.ML.Data;

namespace TimmFeatures.Extraction.Files;

/// <summary>A table as ML.NET sees data: path, a vector per column, error.</summary>
internal sealed class FeatureView : IDataView
{
    private readonly FeatureTable _table;
    private readonly CancellationToken _cancellation;

    public FeatureView(FeatureTable table, CancellationToken cancellation)
    {
        _table = table;
        _cancellation = cancellation;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(TableFormat.PathColumn, TextDataViewType.Instance);
        foreach (FeatureColumn column in table.Columns)
            builder.AddColumn(column.Name, new VectorDataViewType(NumberDataViewType.Single, column.Shape));
        builder.AddColumn(TableFormat.ErrorColumn, TextDataViewType.Instance);
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => _table.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [new Cursor(this)];

    /// <summary>Goes over the rows; every column is there.</summary>
    private sealed class Cursor(FeatureView view) : DataViewRowCursor
    {
        private readonly IEnumerator<FeatureRow> _rows = view._table.Rows().GetEnumerator();
        private long _position = -1;

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override bool MoveNext()
        {
            view._cancellation.ThrowIfCancellationRequested();
            bool moved = _rows.MoveNext();
            _position = moved ? _position + 1 : -1;
            return moved;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Delegate getter = column.Index == 0 ? Text(r => r.Path) : column.Index == Schema.Count - 1 ? Text(r => r.Error ?? "") : Vector(view._table.Columns[column.Index - 1]);
            return (ValueGetter<TValue>)getter;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _rows.Dispose();
            base.Dispose(disposing);
        }

        private ValueGetter<ReadOnlyMemory<char>> Text(Func<FeatureRow, string> get) => (ref ReadOnlyMemory<char> value) => value = get(_rows.Current).AsMemory();

        private ValueGetter<VBuffer<float>> Vector(FeatureColumn column)
        {
            int offset = view._table.OffsetOf(column);
            return (ref VBuffer<float> value) =>
            {
                VBufferEditor<float> editor = VBufferEditor.Create(ref value, column.Length);
                if (_rows.Current.Error is null)
                    _rows.Current.Values.Span.Slice(offset, column.Length).CopyTo(editor.Values);
                else
                    editor.Values.Fill(float.NaN);
                value = editor.Commit();
            };
        }
    }
}
