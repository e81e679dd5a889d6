namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>
/// What a transformer computes with. Cursors and rows take shares of their own, so that they come to their end whoever disposes the transformer. After that the
/// session is there as long as somebody has a share, and is opened again for whoever asks later. Thread safe.
/// </summary>
/// <remarks>ML.NET's prediction engines dispose the model that they were made from, and its chains pass that on once only. A model that was cached
/// for many engines must survive the first's end, and must not keep anything open after the last's.</remarks>
/// <typeparam name="T">The session.</typeparam>
internal sealed class ModelSource<T> : IDisposable where T : class
{
    private readonly Lock _gate = new();
    private readonly Func<Lease<T>> _open;
    private readonly Lease<T> _session;

    /// <param name="open">Opens the session, any number of times, always with the same weights.</param>
    public ModelSource(Func<Lease<T>> open)
    {
        _open = open;
        _session = open();
    }

    /// <summary>A share of the session, to be disposed by whoever takes it.</summary>
    public Lease<T> Take()
    {
        lock (_gate)
            return _session.TryShare(out Lease<T>? share) ? share : _open();
    }

    public void Dispose() => _session.Dispose();
}
