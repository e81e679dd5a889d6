using System.Collections.Concurrent;

namespace Microsoft.ML.Data;

/// <summary>Fills batches from a cursor. Each worker has its own.</summary>
internal sealed class RowBatchReader
{
    private readonly ConcurrentBag<RowBatch> _free;
    private readonly DataViewType[] _types;
    private readonly Action<ColumnBuffer, int>[] _writers;
    private RowBatch _batch;

    /// <param name="cursor">The cursor, before its first row.</param>
    /// <param name="free">Batches to be used again, shared by all who fill and empty them.</param>
    public RowBatchReader(DataViewRowCursor cursor, ConcurrentBag<RowBatch> free)
    {
        _free = free;
        int[] active = ActiveColumns(cursor);
        _types = [.. active.Select(c => cursor.Schema[c].Type), RowIdDataViewType.Instance];
        Delegate[] getters = [.. active.Select(c => RowCursorUtils.GetGetterAsDelegate(cursor, c)), cursor.GetIdGetter()];
        _writers = new Action<ColumnBuffer, int>[getters.Length];
        for (int i = 0; i < getters.Length; i++)
            _writers[i] = ColumnBuffer.Create(_types[i]).CreateWriter(getters[i]);
    }

    public int Count => _batch?.Count ?? 0;

    public static int[] ActiveColumns(DataViewRowCursor cursor) => [.. cursor.Schema.Where(cursor.IsColumnActive).Select(c => c.Index)];

    /// <summary>Adds the current row.</summary>
    public void Add()
    {
        _batch ??= _free.TryTake(out var used) ? used : new RowBatch(Array.ConvertAll(_types, ColumnBuffer.Create));
        for (int i = 0; i < _writers.Length; i++)
            _writers[i](_batch.Columns[i], _batch.Count);
        _batch.Count++;
    }

    /// <summary>The rows so far; the next row starts another batch.</summary>
    public RowBatch Take(long number)
    {
        var full = _batch;
        full.Number = number;
        _batch = null;
        return full;
    }
}
