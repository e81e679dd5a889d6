using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Keeps a pool of rows and gives a random one of them, in whose place the next row is read.</summary>
internal sealed class ShufflingCursor : RootCursorBase
{
    private readonly DataViewRowCursor _input;
    private readonly Random _rand;
    private readonly int[] _order;
    private readonly RowBatch _pool;
    private readonly Action<ColumnBuffer, int>[] _writers;
    private readonly Delegate[] _getters;
    private readonly ValueGetter<DataViewRowId> _idGetter;
    private int _head = -1;
    private int _live;
    private bool _inputEnded;

    public ShufflingCursor(IChannelProvider provider, DataViewRowCursor input, int poolRows, Random rand) : base(provider)
    {
        _input = input;
        _rand = rand;
        _order = [.. Enumerable.Range(0, poolRows)];
        int[] active = RowBatchReader.ActiveColumns(input);
        DataViewType[] types = [.. active.Select(c => input.Schema[c].Type), RowIdDataViewType.Instance];
        Delegate[] sources = [.. active.Select(c => RowCursorUtils.GetGetterAsDelegate(input, c)), input.GetIdGetter()];
        _pool = new RowBatch(Array.ConvertAll(types, ColumnBuffer.Create));
        _writers = [.. _pool.Columns.Select((column, i) => column.CreateWriter(sources[i]))];
        _getters = new Delegate[input.Schema.Count];
        for (int i = 0; i < active.Length; i++)
            _getters[active[i]] = _pool.Columns[i].CreateGetter(Current, i);
        _idGetter = (ValueGetter<DataViewRowId>)_pool.Columns[^1].CreateGetter(Current, active.Length);
    }

    public override DataViewSchema Schema => _input.Schema;

    public override long Batch => 0;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _idGetter;

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        Ch.CheckParam(column.Index < _getters.Length, nameof(column));
        return _getters[column.Index] is not null;
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Ch.CheckParam(IsColumnActive(column), nameof(column), "requested column not active");
        return RowCursorUtils.As<TValue>(_getters[column.Index], column);
    }

    protected override bool MoveNextCore()
    {
        // The row given last leaves, and its place is the first free one behind the rows that live.
        if (_head >= 0)
            _live--;
        _head = (_head + 1) % _order.Length;
        while (_live < _order.Length && !_inputEnded)
            ReadRow(_order[(_head + _live) % _order.Length]);
        if (_live == 0)
            return false;
        int chosen = (_head + _rand.Next(_live)) % _order.Length;
        (_order[_head], _order[chosen]) = (_order[chosen], _order[_head]);
        return true;
    }

    protected override void Close() => _input.Dispose();

    private void ReadRow(int place)
    {
        try
        {
            if (!_input.MoveNext())
            {
                _inputEnded = true;
                return;
            }
            for (int i = 0; i < _writers.Length; i++)
                _writers[i](_pool.Columns[i], place);
            _live++;
        }
        catch (Exception ex)
        {
            throw Ch.Except(ex, "Shuffle input cursor reader failed with an exception");
        }
    }

    private (RowBatch Batch, int Row) Current()
    {
        Ch.Check(IsGood, RowCursorUtils.FetchValueStateError);
        return (_pool, _order[_head]);
    }
}
