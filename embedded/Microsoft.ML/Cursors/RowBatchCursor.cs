using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor over batches that workers on other threads make.</summary>
internal sealed class RowBatchCursor : RootCursorBase
{
    private readonly BlockingCollection<RowBatch> _batches;
    private readonly ConcurrentBag<RowBatch> _free;
    private readonly Action _stop;
    private readonly Delegate[] _getters;
    private readonly ValueGetter<DataViewRowId> _idGetter;
    private RowBatch _current;
    private int _row;
    private long _number = -1;

    /// <param name="provider">Environment.</param>
    /// <param name="schema">The input's schema.</param>
    /// <param name="active">The input's active columns, in the order of a batch's buffers.</param>
    /// <param name="batches">The batches, each taken by whoever comes first. A null ends one cursor.</param>
    /// <param name="free">Where read batches go.</param>
    /// <param name="stop">Called once when the cursor is closed.</param>
    public RowBatchCursor(IChannelProvider provider, DataViewSchema schema, int[] active, BlockingCollection<RowBatch> batches, ConcurrentBag<RowBatch> free, Action stop)
        : base(provider)
    {
        Schema = schema;
        _batches = batches;
        _free = free;
        _stop = stop;
        _getters = new Delegate[schema.Count];
        for (int i = 0; i < active.Length; i++)
            _getters[active[i]] = ColumnBuffer.Create(schema[active[i]].Type).CreateGetter(Current, i);
        _idGetter = (ValueGetter<DataViewRowId>)ColumnBuffer.Create(RowIdDataViewType.Instance).CreateGetter(Current, active.Length);
    }

    public override DataViewSchema Schema { get; }

    public override long Batch => _number;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _idGetter;

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
        if (_current is not null && ++_row < _current.Count)
            return true;
        if (_current is not null)
            Recycle(_current);
        _row = 0;
        _current = null;
        var next = _batches.Take();
        if (next?.Error is { } error)
            throw Contracts.Except(error, "Splitter/consolidator worker encountered exception while consuming source data");
        _current = next;
        _number = next?.Number ?? _number;
        return next is not null;
    }

    protected override void Close()
    {
        _current = null;
        _stop();
    }

    private void Recycle(RowBatch batch)
    {
        batch.Count = 0;
        _free.Add(batch);
    }

    private (RowBatch Batch, int Row) Current()
    {
        Contracts.Check(_current is not null, "Cannot get value as the cursor is not in a good state");
        return (_current, _row);
    }
}
