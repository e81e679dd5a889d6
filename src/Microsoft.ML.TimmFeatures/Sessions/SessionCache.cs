using Backbones;
using Backbones.Engines;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>Lets transformers share: weights between those of the same model, compiled graphs between those that also want the same features.</summary>
internal static class SessionCache
{
    private static readonly SharedCache<object, Backbone> s_backbones = new();
    private static readonly SharedCache<SessionKey, FeaturizerSession> s_sessions = new();

    private sealed record SessionKey(object Backbone, object Features, string Device, Precision Precision, int Threads);

    /// <summary>A backbone by what identifies it.</summary>
    public static Lease<Backbone> Backbone(object key, Func<Backbone> create) => s_backbones.Get(key, create);

    /// <summary>The session for a model on the device that options and context ask for.</summary>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public static Lease<FeaturizerSession> Session(FeaturizerModel model, FeaturizerOptions options, FeaturizerHost host)
    {
        DeviceEngine engine = host.EngineFor(options, host.Warn);
        return s_sessions.Get(new SessionKey(model.Key, model.Features, engine.Device, engine.Precision, options.Threads),
            () => new FeaturizerSession(model.OpenBackbone(), model.Features, engine.Engine, new EngineOptions { Threads = options.Threads, Precision = engine.Precision }));
    }
}
