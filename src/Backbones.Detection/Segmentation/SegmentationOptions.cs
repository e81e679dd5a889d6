using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Segmentation;

/// <summary>How a <see cref="SegmentationModel"/> is made, and what it does with pictures.</summary>
public sealed record SegmentationOptions
{
    /// <summary>A weights file with the keys of torchvision's model (safetensors, .pth); null to look a named model's up.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>The same in memory, in place of a file. The model does not dispose it.</summary>
    public ParameterStore? Weights { get; init; }

    /// <summary>Whether published weights that are not on this machine are downloaded. Default <see cref="DownloadMode.WhenMissing"/>; the environment can forbid it
    /// (<c>TIMM_FEATURES_OFFLINE=1</c>).</summary>
    public DownloadMode Download { get; init; }

    /// <summary>Folder where downloads are kept and looked for, as <see cref="BackboneOptions.CacheDir"/>.</summary>
    public string? CacheDir { get; init; }

    /// <summary>Gets reports of a download: name, size, license and source first.</summary>
    public IProgress<DownloadProgress>? DownloadProgress { get; init; }

    /// <summary>Make weights from the parameters' names, of a model over a selection those that are in no file and not the backbone's: for tests, demonstrations of speed, and to begin a
    /// training.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;

    /// <summary>Shorter side of the picture as the model gets it, in pixels; the aspect ratio is kept. Null for a named model is torchvision's 520; for a selection the size that it was made
    /// for, which the picture fills whatever its aspect ratio.</summary>
    public int? ResizeSize { get; init; }

    /// <summary>Whether class maps have the size of the given picture (default), or that of the model's input.</summary>
    public bool OriginalSize { get; init; } = true;

    /// <summary>Mean of red, green and blue, subtracted, on the scale 0 to 1; null for the backbone's.</summary>
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>Standard deviation of red, green and blue, divided by, on the scale 0 to 1; null for the backbone's.</summary>
    public IReadOnlyList<double>? Std { get; init; }

    /// <summary>Names of the classes, the background first; null for a named model's own, if it has as many.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    internal WeightsDownloader Downloader => new(Download, DownloadProgress, cacheDir: CacheDir);
}
