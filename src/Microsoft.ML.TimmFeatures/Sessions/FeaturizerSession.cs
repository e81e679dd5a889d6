using Backbones;
using Backbones.Engines;
using Backbones.Weights;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>
/// A backbone with its weights and the plans compiled from it, one for each set of outputs that was ever active at once.
/// Thread safe; shared by the transformers of the same model and features.
/// </summary>
internal sealed class FeaturizerSession : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, FeatureExtractor> _extractors = [];
    private readonly Lease<Backbone> _backbone;
    private readonly IEngine _engine;
    private readonly EngineOptions _engineOptions;
    private bool _disposed;

    /// <param name="backbone">Owned by the session.</param>
    /// <param name="features">Which features: a <see cref="FeatureSelection"/> of the backbone, or <see cref="SelectedFeatures"/>.</param>
    /// <param name="engine">What runs them.</param>
    /// <param name="engineOptions">Threads and number format.</param>
    public FeaturizerSession(Lease<Backbone> backbone, object features, IEngine engine, EngineOptions engineOptions)
    {
        _backbone = backbone;
        _engine = engine;
        _engineOptions = engineOptions;
        try
        {
            Selected = features as SelectedFeatures ?? Backbone.Select((FeatureSelection)features);
            // Weights that are a part of the model's do: those that the features need. What they lack is told of now, not by the first row.
            Backbone.Parameters.EnsureHas(Selected.Graph.Parameters);
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    public Backbone Backbone => _backbone.Value;

    /// <summary>The pruned graph with all outputs: shapes, levels, and which weights are needed.</summary>
    public SelectedFeatures Selected { get; }

    /// <summary>The weights that the features need. Counters of trained batches may be absent; nothing is computed from them.</summary>
    public IEnumerable<ParameterTensor> NeededWeights => Selected.Graph.Parameters
        .Where(p => Backbone.Parameters.TryGet(p.Name, out _)).Select(p => Backbone.Parameters[p.Name]);

    /// <summary>The extractor that computes just the active outputs.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public FeatureExtractor For(ReadOnlySpan<bool> active)
    {
        var flags = new char[active.Length];
        for (int i = 0; i < flags.Length; i++)
            flags[i] = active[i] ? '1' : '0';
        string key = new(flags);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_extractors.TryGetValue(key, out FeatureExtractor? extractor))
                _extractors.Add(key, extractor = Backbone.Extract(Selected.Only(i => key[i] == '1'), _engine, _engineOptions));
            return extractor;
        }
    }

    /// <summary>Releases plans and weights; runs that are under way come to their end.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (FeatureExtractor extractor in _extractors.Values)
                extractor.Dispose();
        }
        _backbone.Dispose();
    }
}
