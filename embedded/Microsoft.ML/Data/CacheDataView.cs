using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Keeps the columns that were asked for in memory. A column is read once, by a background thread, while cursors follow behind; reading goes on
/// when a cursor is closed early. Columns that can't be kept (images) are left out of the schema.
/// </summary>
internal sealed class CacheDataView : IDataView
{
    private const int RowsPerBatch = 64;

    private readonly IHost _host;
    private readonly IDataView _source;
    private readonly (CacheFill Fill, CachedColumn Values)[] _columns;
    private readonly Lock _lock = new();
    private CacheFill _anyFill;

    public CacheDataView(IHostEnvironment env, IDataView source, int[] prefetch)
    {
        _host = env.Register("Cache");
        _host.CheckValue(source, nameof(source));
        if (prefetch.FirstOrDefault(c => !source.Schema[c].Type.IsCacheable(), -1) is var bad and >= 0)
            throw _host.Except($"Asked to prefetch column '{source.Schema[bad].Name}' into cache, but it is of unhandled type '{source.Schema[bad].Type}'");
        _source = ColumnSubsetView.KeepCacheable(_host, source);
        _columns = new (CacheFill, CachedColumn)[_source.Schema.Count];
        if (prefetch.Length > 0)
            EnsureFilling([.. source.Schema.Where(c => c.Type.IsCacheable()).Select(c => prefetch.Contains(c.Index))]);
    }

    public bool CanShuffle => true;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount() => _source.GetRowCount() ?? _anyFill?.KnownRowCount;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => OpenCursors(RowCursorUtils.ToActive(columnsNeeded, Schema), 1, rand)[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => OpenCursors(RowCursorUtils.ToActive(columnsNeeded, Schema), Math.Min(n, 2 * DataViewUtils.GetThreadCount()), rand);

    private DataViewRowCursor[] OpenCursors(bool[] active, int count, Random rand)
    {
        var fill = EnsureFilling(active);
        int[] order = null;
        if (rand is not null)
        {
            order = [.. Enumerable.Range(0, fill.WaitForEnd())];
            Shuffle(order, rand);
        }
        if (count <= 1)
            return [new Cursor(this, active, order, batch: 0, batchStep: 0)];
        return [.. Enumerable.Range(0, count).Select(i => new Cursor(this, active, order, batch: i, batchStep: count))];
    }

    // Fisher and Yates, in the order in which ML.NET draws its numbers.
    private static void Shuffle(int[] values, Random rand)
    {
        for (int i = 0; i < values.Length; i++)
        {
            int j = i + rand.Next(values.Length - i);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    /// <summary>Sees to it that the columns are being read, and gives a fill that knows the number of rows.</summary>
    private CacheFill EnsureFilling(bool[] active)
    {
        lock (_lock)
        {
            int[] missing = [.. Enumerable.Range(0, active.Length).Where(c => active[c] && _columns[c].Fill is null)];
            if (missing.Length > 0 || _anyFill is null)
            {
                var cursor = _source.GetRowCursor(missing.Select(c => Schema[c]), null);
                var values = Array.ConvertAll(missing, c => CachedColumn.Create(cursor, Schema[c]));
                _anyFill = new CacheFill(_host, cursor, values);
                for (int i = 0; i < missing.Length; i++)
                    _columns[missing[i]] = (_anyFill, values[i]);
                _anyFill.Start();
            }
            return _anyFill;
        }
    }

    /// <summary>Reads rows in blocks: block after block, or (in a cursor set) every so many blocks.</summary>
    private sealed class Cursor : RootCursorBase
    {
        private readonly CacheFill[] _fills;
        private readonly Delegate[] _getters;
        private readonly int[] _order;
        private readonly int _batchStep;
        private long _batch;
        private int _row = -1;

        public Cursor(CacheDataView owner, bool[] active, int[] order, int batch, int batchStep) : base(owner._host)
        {
            Schema = owner.Schema;
            _order = order;
            _batch = batch;
            _batchStep = batchStep;
            var columns = owner._columns.Where((_, c) => active[c]).ToArray();
            _fills = columns.Length == 0 ? [owner._anyFill] : [.. columns.Select(c => c.Fill).Distinct()];
            _getters = new Delegate[active.Length];
            for (int c = 0; c < active.Length; c++)
            {
                if (active[c])
                    _getters[c] = owner._columns[c].Values.CreateGetter(CurrentIndex);
            }
        }

        public override DataViewSchema Schema { get; }

        public override long Batch => _batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new((ulong)CurrentIndex(), 0);

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            Ch.CheckParam(column.Index < _getters.Length, nameof(column));
            return _getters[column.Index] is not null;
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Ch.CheckParam(IsColumnActive(column), nameof(column), "requested column not active.");
            return RowCursorUtils.As<TValue>(_getters[column.Index], column);
        }

        protected override bool MoveNextCore()
        {
            if (_batchStep == 0)
                _row++;
            else if (_row < 0)
                _row = checked((int)_batch * RowsPerBatch);
            else if ((_row + 1) % RowsPerBatch == 0)
                _row = checked((int)(_batch += _batchStep) * RowsPerBatch);
            else
                _row++;
            return _order is null ? Array.TrueForAll(_fills, fill => fill.Wait(_row)) : _row < _order.Length && Array.TrueForAll(_fills, fill => fill.Wait(_order[_row]));
        }

        private int CurrentIndex()
        {
            Ch.Check(IsGood, RowCursorUtils.FetchValueStateError);
            return _order is null ? _row : _order[_row];
        }
    }
}
