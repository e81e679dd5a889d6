using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans;
using TimmFeatures.Service;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Cli.Serving;

/// <summary>What one worker has loaded for services, a backend for each setup.</summary>
internal sealed class PictureBackends(IOptions<WorkerOptions> worker) : IAsyncDisposable
{
    /// <summary>Each has a memory budget of its own.</summary>
    private const int MaxSetups = 4;

    private readonly ServiceMetrics _metrics = new();
    private readonly ConcurrentDictionary<string, Lazy<LocalBackend>> _backends = [];

    /// <exception cref="ServiceProblemException">Too many services with setups of their own use this worker.</exception>
    public IFeatureBackend Get(string setup)
    {
        if (_backends.Count >= MaxSetups && !_backends.ContainsKey(setup))
            throw new ServiceProblemException(503, $"A worker serves {MaxSetups} setups already; give all services the same options, or start the worker again.");
        Lazy<LocalBackend> backend = _backends.GetOrAdd(setup, s => new Lazy<LocalBackend>(() =>
            new LocalBackend(SnakeCaseJson.Read<ServingSetup>(s).ToOptions(worker.Value.Device, worker.Value.Threads), _metrics)));
        try
        {
            return backend.Value;
        }
        catch
        {
            // What cannot be served takes no place of those that can.
            _backends.TryRemove(KeyValuePair.Create(setup, backend));
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Lazy<LocalBackend> backend in _backends.Values.Where(b => b.IsValueCreated))
            await backend.Value.DisposeAsync();
        _metrics.Dispose();
    }
}
