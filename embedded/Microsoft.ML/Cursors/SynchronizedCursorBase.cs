using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor that moves together with its input, row by row.</summary>
internal abstract class SynchronizedCursorBase : DataViewRowCursor
{
    protected readonly IChannel Ch;

    // The first cursor of a chain of synchronized ones: moving it moves all, without a call for each.
    private readonly DataViewRowCursor _root;
    private bool _disposed;

    protected SynchronizedCursorBase(IChannelProvider provider, DataViewRowCursor input)
    {
        Ch = provider.Start("Cursor");
        Input = input;
        _root = RootOf(input);
    }

    public sealed override long Position => _root.Position;

    public sealed override long Batch => _root.Batch;

    protected DataViewRowCursor Input { get; }

    /// <summary>The cursor that has to be moved to move the given one.</summary>
    public static DataViewRowCursor RootOf(DataViewRowCursor cursor) => cursor is SynchronizedCursorBase synchronized ? synchronized._root : cursor;

    public sealed override bool MoveNext() => _root.MoveNext();

    public sealed override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

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
            Input.Dispose();
            Ch.Dispose();
        }
        base.Dispose(disposing);
    }
}
