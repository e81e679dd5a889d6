using System.Globalization;
using Backbones;
using Backbones.Registry;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>Whose weights are used for which features, and how the weights are had again after everybody gave them back.</summary>
/// <param name="Key">Identifies the backbone by value: two models with equal keys share weights.</param>
/// <param name="Features">A <see cref="FeatureSelection"/> of the backbone, or <see cref="SelectedFeatures"/> with a graph of the caller's own.</param>
/// <param name="OpenBackbone">Gives the backbone; always the same weights.</param>
internal sealed record FeaturizerModel(object Key, object Features, Func<Lease<Backbone>> OpenBackbone)
{
    /// <summary>What makes two backbones the same: config (as JSON), weights, and the size that the graph is built for.</summary>
    private sealed record BackboneKey(string Config, string Weights, string? KeyPrefix, int? ImageSize, bool UseTestSize);

    /// <summary>Weights that are looked up as the options say, and downloaded if need be, or random ones.</summary>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">They are not on this machine and cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">No weights were found; the message says where they were looked for.</exception>
    public static FeaturizerModel Locate(FeaturizerOptions options, FeatureSelection selection, FeaturizerHost host)
    {
        BackboneOptions backbone = options.ToBackboneOptions(new DownloadLog(host));
        if (options.RandomWeights)
        {
            BackboneKey random = KeyOf(Backbone.FindConfig(options.ModelName, backbone), "random", options);
            return new(random, selection, () => SessionCache.Backbone(random, () => Backbone.Create(options.ModelName, options.ToBackboneOptions())));
        }
        LocatedModel located = Backbone.Locate(options.ModelName, backbone);
        string file = Identity(located.WeightsFile);
        BackboneKey key = KeyOf(located.Config, file, options);
        return new(key, selection, () => SessionCache.Backbone(key, () => Identity(located.WeightsFile) == file
            ? Backbone.Open(located, options.ToBackboneOptions())
            : throw new InvalidDataException($"The weights in '{located.WeightsFile}' were changed since the featurizer for '{options.ModelName}' was made. Fit or load it again.")));
    }

    /// <summary>Weights that were inside a saved model. They are kept as long as anybody can reach the model: there is nowhere to read them from again.</summary>
    /// <param name="config">The model's.</param>
    /// <param name="contentHash">Of the weights.</param>
    /// <param name="options">The image size.</param>
    /// <param name="features">Which features.</param>
    /// <param name="create">Makes a backbone over them.</param>
    public static FeaturizerModel Embedded(PretrainedConfig config, string contentHash, FeaturizerOptions options, object features, Func<Backbone> create)
    {
        BackboneKey key = KeyOf(config, contentHash, options);
        Lease<Backbone> kept = SessionCache.Backbone(key, create);
        return new(key, features, () => kept.TryShare(out Lease<Backbone>? share) ? share : throw new ObjectDisposedException(nameof(Backbone)));
    }

    /// <summary>A backbone and graph of the caller's own, who disposes it.</summary>
    public static FeaturizerModel Of(Backbone backbone, SelectedFeatures features) => new(backbone, features, () => new Lease<Backbone>(backbone, () => { }, () => { }));

    private static BackboneKey KeyOf(PretrainedConfig config, string weights, FeaturizerOptions options)
        => new(PretrainedConfigWriter.ToJson(config).GetRawText(), weights, options.KeyPrefix, options.ImageSize, options.UseTestSize);

    /// <summary>Path and time: another file of the same name is another model.</summary>
    internal static string Identity(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? string.Create(CultureInfo.InvariantCulture, $"{file.FullName}, {file.Length} bytes of {file.LastWriteTimeUtc.Ticks}") : "";
    }
}
