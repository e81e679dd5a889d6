using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights.Hub;

namespace Backbones;

/// <summary>How <see cref="Backbone.Create"/> makes a backbone. Weights are the file given, or those found by name, downloaded if need be; random ones only when asked for.</summary>
public sealed record BackboneOptions
{
    /// <summary>A weights file (safetensors, .pth), or a folder with config.json and weights as timm saves it; null to look the name up.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Whether published weights that are not on this machine are downloaded. Default <see cref="DownloadMode.WhenMissing"/>, as timm's <c>pretrained=True</c>;
    /// the environment can forbid it (<c>TIMM_FEATURES_OFFLINE=1</c>, <c>HF_HUB_OFFLINE=1</c>).</summary>
    public DownloadMode Download { get; init; }

    /// <summary>Gets reports of a download: name, size, license and source first.</summary>
    public IProgress<DownloadProgress>? DownloadProgress { get; init; }

    /// <summary>Use deterministic random weights, made from the parameters' names: for tests and demonstrations of speed, never for features that mean something.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input height and width; null for the model's own. Position embeddings are resampled as timm does.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>Input channels; null for the model's own. The first convolution is adapted as timm does (<c>adapt_input_conv</c>).</summary>
    public int? InChannels { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;

    internal WeightsDownloader Downloader => new(Download, DownloadProgress);
}
