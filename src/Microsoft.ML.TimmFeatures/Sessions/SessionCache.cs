using Backbones;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>Lets transformers of the same model and selection share one session, so that weights are in memory once.</summary>
internal static class SessionCache
{
    private static readonly Dictionary<Key, WeakReference<FeaturizerSession>> s_sessions = [];

    private sealed record Key(string Model, string? Weights, bool Random, int? ImageSize, int Threads, FeatureSelection Selection);

    /// <summary>The session for these options: one that is in use, or a new one.</summary>
    public static FeaturizerSession Get(FeaturizerOptions options, FeatureSelection selection)
        => Get(new Key(options.ModelName, Stamp(options.WeightsPath), options.RandomWeights, options.ImageSize, options.Threads, selection),
            () => new FeaturizerSession(Backbone.Create(options.ModelName, options.ToBackboneOptions()), selection, options.Threads));

    /// <summary>The session for weights with this content, such as those inside a saved model.</summary>
    public static FeaturizerSession Get(FeaturizerOptions options, FeatureSelection selection, string contentHash, Func<Backbone> create)
        => Get(new Key(options.ModelName, "sha256:" + contentHash, false, options.ImageSize, options.Threads, selection), () => new FeaturizerSession(create(), selection, options.Threads));

    private static FeaturizerSession Get(Key key, Func<FeaturizerSession> create)
    {
        lock (s_sessions)
        {
            if (s_sessions.TryGetValue(key, out WeakReference<FeaturizerSession>? known) && known.TryGetTarget(out FeaturizerSession? session) && session.TryShare())
                return session;
            session = create();
            s_sessions[key] = new WeakReference<FeaturizerSession>(session);
            return session;
        }
    }

    /// <summary>A path with the time it was last written: another file of the same name is another model.</summary>
    private static string? Stamp(string? path) => path is null ? null
        : $"{Path.GetFullPath(path)}@{(Directory.Exists(path) ? Directory.GetLastWriteTimeUtc(path) : File.GetLastWriteTimeUtc(path)).Ticks}";
}
