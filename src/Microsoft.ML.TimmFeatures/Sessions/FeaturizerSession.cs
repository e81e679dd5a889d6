using System.Collections.Concurrent;
using System.Collections.Immutable;
using Backbones;
using Backbones.Engines;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>
/// A backbone with its weights and the plans compiled from it, one for each set of outputs that was ever active at once.
/// Thread safe; shared by the transformers of the same model.
/// </summary>
internal sealed class FeaturizerSession : IDisposable
{
    private readonly ConcurrentDictionary<ulong, Lazy<FeatureExtractor>> _extractors = new();
    private readonly Backbone _backbone;
    private readonly EngineOptions _engine;
    private int _users = 1;

    public FeaturizerSession(Backbone backbone, FeatureSelection selection, int threads)
    {
        _backbone = backbone;
        Selection = selection;
        Selected = backbone.Select(selection);
        _engine = new EngineOptions { Threads = threads };
        if (Selected.Outputs.Length > 64)
            throw new NotSupportedException($"{Selected.Outputs.Length} outputs of one featurizer are too many; the most is 64.");
    }

    public Backbone Backbone => _backbone;

    public FeatureSelection Selection { get; }

    /// <summary>The pruned graph with all outputs: shapes, levels, and which weights are needed.</summary>
    public SelectedFeatures Selected { get; }

    public ImmutableArray<FeatureOutput> Outputs => Selected.Outputs;

    /// <summary>The extractor that computes just the outputs whose bit is set.</summary>
    public FeatureExtractor For(ulong active) => _extractors.GetOrAdd(active, a => new(() => _backbone.Extract(Selected.Only(i => (a >> i & 1) != 0), engine: null, _engine))).Value;

    /// <summary>Another transformer uses this session.</summary>
    public bool TryShare()
    {
        for (int users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
        return false;
    }

    /// <summary>Gives up one use; the last one releases plans and weights.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) != 0)
            return;
        foreach (Lazy<FeatureExtractor> extractor in _extractors.Values)
        {
            if (extractor.IsValueCreated)
                extractor.Value.Dispose();
        }
        _backbone.Dispose();
    }
}
