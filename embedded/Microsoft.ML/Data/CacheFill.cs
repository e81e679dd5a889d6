using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>One pass over a view that keeps some of its columns, on a thread of its own.</summary>
internal sealed class CacheFill(IHost host, DataViewRowCursor cursor, CachedColumn[] columns)
{
    private readonly object _progress = new();
    private volatile int _count;
    private volatile bool _ended;
    private Exception _error;

    /// <summary>Number of rows, once it is known.</summary>
    public long? KnownRowCount => _ended && _error is null ? _count : null;

    public void Start() => Task.Factory.StartNew(Read, TaskCreationOptions.LongRunning);

    /// <summary>Waits until a row is there; false where there is no such row.</summary>
    public bool Wait(int row)
    {
        if (row < _count)
            return true;
        lock (_progress)
        {
            while (row >= _count && !_ended)
                Monitor.Wait(_progress);
        }
        if (row < _count)
            return true;
        ThrowIfFailed();
        return false;
    }

    /// <summary>Waits until all rows are there, and counts them.</summary>
    public int WaitForEnd()
    {
        Wait(int.MaxValue);
        return _count;
    }

    private void ThrowIfFailed()
    {
        if (_error is not null)
            throw Contracts.Except(_error, "Event we were waiting on was subject to an exception");
    }

    private void Read()
    {
        try
        {
            using var channel = host.Start("Cache Filler");
            using (cursor)
            {
                while (cursor.MoveNext())
                {
                    foreach (var column in columns)
                        column.Append(_count);
                    lock (_progress)
                    {
                        _count = checked(_count + 1);
                        Monitor.PulseAll(_progress);
                    }
                }
            }
        }
        catch (Exception ex)
        {
            _error = ex;
        }
        finally
        {
            lock (_progress)
            {
                _ended = true;
                Monitor.PulseAll(_progress);
            }
        }
    }
}
