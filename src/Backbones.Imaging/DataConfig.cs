namespace Backbones.Imaging;

/// <summary>
/// What a pretrained model or a user says about a model's input; null is "not said".
/// The names and the meaning are those of timm's <c>pretrained_cfg</c> and of the arguments of <c>resolve_data_config</c>.
/// </summary>
public sealed record DataConfig
{
    /// <summary>Channels, height and width of the input.</summary>
    public (int Channels, int Height, int Width)? InputSize { get; init; }

    /// <summary>The input size that the model was evaluated with, used only when test sizes are asked for.</summary>
    public (int Channels, int Height, int Width)? TestInputSize { get; init; }

    /// <summary>Height and width of a square input (<c>img_size</c>); <see cref="InputSize"/> goes before it.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Number of input channels (<c>in_chans</c>); <see cref="InputSize"/> given beside it goes before it.</summary>
    public int? InChans { get; init; }

    /// <summary>"nearest", "box", "bilinear", "hamming", "bicubic" or "lanczos".</summary>
    public string? Interpolation { get; init; }

    /// <summary>Input size divided by the size that the picture is scaled to.</summary>
    public double? CropPct { get; init; }

    /// <summary>The crop_pct that goes with <see cref="TestInputSize"/>.</summary>
    public double? TestCropPct { get; init; }

    /// <summary>"center", "squash" or "border".</summary>
    public string? CropMode { get; init; }

    /// <summary>Mean of each channel on the scale 0 to 1; a single value stands for every channel.</summary>
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>Standard deviation of each channel on the scale 0 to 1; a single value stands for every channel.</summary>
    public IReadOnlyList<double>? Std { get; init; }
}
