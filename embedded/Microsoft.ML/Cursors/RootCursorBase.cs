using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor that counts its own rows, and closes itself after the last one.</summary>
internal abstract class RootCursorBase : DataViewRowCursor
{
    protected readonly IChannel Ch;
    private long _position = -1;
    private bool _disposed;

    protected RootCursorBase(IChannelProvider provider) => Ch = provider.Start("Cursor");

    public sealed override long Position => _position;

    /// <summary>Whether there is a current row.</summary>
    protected bool IsGood => _position >= 0;

    public sealed override bool MoveNext()
    {
        if (_disposed)
            return false;
        if (MoveNextCore())
        {
            _position++;
            return true;
        }
        Dispose();
        return false;
    }

    /// <summary>Moves; false where there is no further row.</summary>
    protected abstract bool MoveNextCore();

    /// <summary>Frees what the cursor holds; called once.</summary>
    protected virtual void Close()
    {
    }

    protected sealed override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        if (disposing)
        {
            Close();
            Ch.Dispose();
            _position = -1;
        }
        base.Dispose(disposing);
    }
}
