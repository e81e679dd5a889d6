using System.Globalization;
using Backbones;
using Backbones.Engines;
using Backbones.Registry;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>Lets transformers share: weights between those of the same model, compiled graphs between those that also want the same features.</summary>
internal static class SessionCache
{
    private static readonly SharedCache<BackboneKey, Backbone> s_backbones = new(nameof(FeaturizerSession));
    private static readonly SharedCache<SessionKey, FeaturizerSession> s_sessions = new(nameof(FeaturizerTransformer));

    /// <summary>What makes two backbones the same: config (as JSON), weights, and the size that the graph is built for.</summary>
    private sealed record BackboneKey(string Config, string Weights, int? ImageSize);

    private sealed record SessionKey(BackboneKey Backbone, FeatureSelection Selection, string Device, Precision Precision, int Threads);

    /// <summary>The session for weights that are looked up as the options say.</summary>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">They are not on this machine and cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">No weights were found; the message says where they were looked for.</exception>
    public static Lease<FeaturizerSession> Get(FeaturizerOptions options, FeatureSelection selection, FeaturizerHost host)
    {
        (PretrainedConfig config, string weights) = Identify(options, host);
        return Get(options, selection, host, config, weights, () => Backbone.Create(options.ModelName, options.ToBackboneOptions()));
    }

    /// <summary>The session for weights inside a saved model.</summary>
    /// <param name="options">Size, device and so on.</param>
    /// <param name="selection">Which features.</param>
    /// <param name="host">Device and warnings.</param>
    /// <param name="config">The model's.</param>
    /// <param name="contentHash">Of the weights.</param>
    /// <param name="create">Makes a backbone over them.</param>
    public static Lease<FeaturizerSession> Get(FeaturizerOptions options, FeatureSelection selection, FeaturizerHost host, PretrainedConfig config, string contentHash, Func<Backbone> create)
    {
        string device = host.GpuDeviceId is { } gpu && options.Device.Equals("auto", StringComparison.OrdinalIgnoreCase) ? $"cuda:{gpu}" : options.Device;
        DeviceEngine engine = EngineProvider.For(device, options.Precision, host.FallbackToCpu, host.Warn);
        var backbone = new BackboneKey(PretrainedConfigWriter.ToJson(config).GetRawText(), contentHash, options.ImageSize);
        return s_sessions.Get(new SessionKey(backbone, selection, engine.Device, engine.Precision, options.Threads),
            () => new FeaturizerSession(s_backbones.Get(backbone, create), selection, engine.Engine, new EngineOptions { Threads = options.Threads, Precision = engine.Precision }));
    }

    /// <summary>Config, and path and time of the weights: another file of the same name is another model.</summary>
    private static (PretrainedConfig Config, string Weights) Identify(FeaturizerOptions options, FeaturizerHost host)
    {
        if (options.RandomWeights)
            return (ModelNames.GetConfig(options.ModelName), "random");
        LocatedModel located = WeightsLocator.Find(options.ModelName, options.WeightsPath, downloader: new WeightsDownloader(options.Download, new DownloadLog(host)));
        var file = new FileInfo(located.WeightsFile);
        return (located.Config, string.Create(CultureInfo.InvariantCulture, $"{file.FullName}, {file.Length} bytes of {file.LastWriteTimeUtc.Ticks}"));
    }
}
