namespace Microsoft.ML.Data;

/// <summary>A row over another one, which is disposed with it.</summary>
internal abstract class WrappingRow : DataViewRow
{
    private bool _disposed;

    protected WrappingRow(DataViewRow input) => Input = input;

    public sealed override long Batch => Input.Batch;

    public sealed override long Position => Input.Position;

    protected DataViewRow Input { get; }

    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    /// <summary>Frees what the row holds; called once, before the input is disposed.</summary>
    protected virtual void DisposeCore(bool disposing)
    {
    }

    protected sealed override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        DisposeCore(disposing);
        if (disposing)
            Input.Dispose();
    }
}
