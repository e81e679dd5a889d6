using Backbones.Imaging;
using Backbones.Registry;
using Backbones.Weights.Hub;

namespace Backbones.Segmentation;

/// <summary>How a <see cref="SegmentationModel"/> is made, and what it does with pictures.</summary>
public sealed record SegmentationOptions
{
    /// <summary>A weights file with the keys of torchvision's model (safetensors, .pth), or a folder with one; null to look a named model's up.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Whether published weights that are not on this machine are downloaded. Default <see cref="DownloadMode.WhenMissing"/>; the environment can forbid it
    /// (<c>TIMM_FEATURES_OFFLINE=1</c>).</summary>
    public DownloadMode Download { get; init; }

    /// <summary>Gets reports of a download: name, size, license and source first.</summary>
    public IProgress<DownloadProgress>? DownloadProgress { get; init; }

    /// <summary>Use deterministic random weights, made from the parameters' names: for tests and demonstrations of speed alone.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;

    /// <summary>Shorter side of the picture as a named model gets it, in pixels; the aspect ratio is kept. Default torchvision's 520. A selection's input has its own size, to which the
    /// picture is scaled whatever its aspect ratio.</summary>
    public int ResizeSize { get; init; } = SegmentationVariant.ResizeSize;

    /// <summary>Whether class maps have the size of the given picture (default), or that of the model's input.</summary>
    public bool OriginalSize { get; init; } = true;

    /// <summary>Mean of red, green and blue, subtracted, on the scale 0 to 1.</summary>
    public IReadOnlyList<double> Mean { get; init; } = ImageTransformOptions.ImageNetMean;

    /// <summary>Standard deviation of red, green and blue, divided by, on the scale 0 to 1.</summary>
    public IReadOnlyList<double> Std { get; init; } = ImageTransformOptions.ImageNetStd;

    /// <summary>Names of the classes, the background first; null for a named model's own, if it has as many.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    internal WeightsDownloader Downloader => new(Download, DownloadProgress);
}
