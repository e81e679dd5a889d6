namespace Backbones.Imaging;

/// <summary>Everything that decides how a picture becomes a model's input: timm's resolved data config.</summary>
public sealed record ImageTransformOptions
{
    /// <summary>timm's default crop_pct.</summary>
    public const double DefaultCropPct = 0.875;

    /// <summary>timm's default input height and width.</summary>
    public const int DefaultSize = 224;

    /// <summary>Mean of red, green and blue over ImageNet, on the scale 0 to 1 (<c>IMAGENET_DEFAULT_MEAN</c>).</summary>
    public static IReadOnlyList<double> ImageNetMean { get; } = [0.485, 0.456, 0.406];

    /// <summary>Standard deviation of red, green and blue over ImageNet, on the scale 0 to 1 (<c>IMAGENET_DEFAULT_STD</c>).</summary>
    public static IReadOnlyList<double> ImageNetStd { get; } = [0.229, 0.224, 0.225];

    /// <summary>3 for RGB, 1 for grey (Pillow's mode L, as timm's loaders choose for anything but three channels).</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Rows of the result.</summary>
    public int Height { get; init; } = DefaultSize;

    /// <summary>Columns of the result.</summary>
    public int Width { get; init; } = DefaultSize;

    /// <summary>The resampling filter.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Input size divided by the size that the picture is scaled to; above 1 the picture gets a border.</summary>
    public double CropPct { get; init; } = DefaultCropPct;

    /// <summary>What happens to pictures of another shape.</summary>
    public CropMode CropMode { get; init; } = CropMode.Center;

    /// <summary>Mean of each channel, subtracted, on the scale 0 to 1.</summary>
    public IReadOnlyList<double> Mean { get; init; } = ImageNetMean;

    /// <summary>Standard deviation of each channel, divided by, on the scale 0 to 1.</summary>
    public IReadOnlyList<double> Std { get; init; } = ImageNetStd;

    /// <summary>
    /// timm's <c>resolve_data_config</c>: the arguments go first, then the model's config, then timm's defaults.
    /// A config's mean and std for another number of channels are replaced by their average, as timm's loader does.
    /// </summary>
    /// <param name="pretrained">The config of the pretrained model, if there is one.</param>
    /// <param name="arguments">What the user wants otherwise.</param>
    /// <param name="useTestSize">Prefer the model's test_input_size and test_crop_pct where it has them.</param>
    /// <exception cref="ArgumentException">A name is unknown, or the arguments hold as many means or deviations as no channel count fits.</exception>
    public static ImageTransformOptions Resolve(DataConfig? pretrained, DataConfig? arguments = null, bool useTestSize = false)
    {
        var config = pretrained ?? new DataConfig();
        var asked = arguments ?? new DataConfig();

        var configSize = (useTestSize ? config.TestInputSize : null) ?? config.InputSize ?? (3, DefaultSize, DefaultSize);
        var (channels, height, width) = asked.InputSize
            ?? (asked.InChans ?? configSize.Channels, asked.ImageSize ?? configSize.Height, asked.ImageSize ?? configSize.Width);

        // timm reads 0 as "not said" for crop_pct and the empty string for names.
        double? cropPct = NonZero(asked.CropPct) ?? (useTestSize ? NonZero(config.TestCropPct) : null) ?? NonZero(config.CropPct);
        string? interpolation = NonEmpty(asked.Interpolation) ?? NonEmpty(config.Interpolation);
        string? cropMode = NonEmpty(asked.CropMode) ?? NonEmpty(config.CropMode);

        return new ImageTransformOptions
        {
            Channels = channels,
            Height = height,
            Width = width,
            CropPct = cropPct ?? DefaultCropPct,
            Interpolation = interpolation is null ? Interpolation.Bicubic : ParseInterpolation(interpolation),
            CropMode = cropMode is null ? CropMode.Center : ParseCropMode(cropMode),
            Mean = PerChannel(asked.Mean, config.Mean ?? ImageNetMean, channels, "mean"),
            Std = PerChannel(asked.Std, config.Std ?? ImageNetStd, channels, "std"),
        };

        static double? NonZero(double? value) => value is 0 ? null : value;
        static string? NonEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
    }

    /// <summary>The filter that timm calls <paramref name="name"/>.</summary>
    /// <exception cref="ArgumentException">There is no such filter, or it is "random", which timm knows for training alone.</exception>
    public static Interpolation ParseInterpolation(string name) => name switch
    {
        "nearest" => Interpolation.Nearest,
        "box" => Interpolation.Box,
        "bilinear" => Interpolation.Bilinear,
        "hamming" => Interpolation.Hamming,
        "bicubic" => Interpolation.Bicubic,
        "lanczos" => Interpolation.Lanczos,
        "random" => throw new ArgumentException("Interpolation 'random' is an augmentation for training; features need one of nearest, box, bilinear, hamming, bicubic, lanczos.", nameof(name)),
        _ => throw new ArgumentException($"Unknown interpolation '{name}'; valid: nearest, box, bilinear, hamming, bicubic, lanczos.", nameof(name)),
    };

    /// <summary>The crop mode that timm calls <paramref name="name"/>.</summary>
    /// <exception cref="ArgumentException">There is no such crop mode.</exception>
    public static CropMode ParseCropMode(string name) => name switch
    {
        "center" => CropMode.Center,
        "squash" => CropMode.Squash,
        "border" => CropMode.Border,
        _ => throw new ArgumentException($"Unknown crop mode '{name}'; valid: center, squash, border.", nameof(name)),
    };

    private static IReadOnlyList<double> PerChannel(IReadOnlyList<double>? asked, IReadOnlyList<double> config, int channels, string what)
    {
        if (asked is null)
        {
            return config.Count == channels || config.Count == 0 ? config : [.. Enumerable.Repeat(config.Average(), Math.Max(channels, 0))];
        }

        if (asked.Count == channels)
        {
            return asked;
        }

        if (asked.Count == 1)
        {
            return [.. Enumerable.Repeat(asked[0], Math.Max(channels, 0))];
        }

        throw new ArgumentException($"The {what} has {asked.Count} values; an input of {channels} channels needs 1 or {channels}.");
    }
}

/// <summary>Pillow's six resampling filters, with the names that timm's configs use.</summary>
public enum Interpolation
{
    /// <summary>The nearest source pixel.</summary>
    Nearest,

    /// <summary>Mean over the source pixels that a target pixel covers.</summary>
    Box,

    /// <summary>Triangle, support 1.</summary>
    Bilinear,

    /// <summary>Hamming-windowed sinc, support 1.</summary>
    Hamming,

    /// <summary>Cubic convolution with a = -0.5, support 2: timm's default.</summary>
    Bicubic,

    /// <summary>Lanczos-windowed sinc, support 3.</summary>
    Lanczos,
}

/// <summary>How timm brings a picture of any shape to the model's input size (<c>crop_mode</c> of <c>transforms_imagenet_eval</c>).</summary>
public enum CropMode
{
    /// <summary>Keeps the aspect ratio, scales the short side to size / crop_pct and cuts out the centre.</summary>
    Center,

    /// <summary>Scales each side to its size / crop_pct, whatever becomes of the aspect ratio, and cuts out the centre.</summary>
    Squash,

    /// <summary>Keeps the aspect ratio, scales the long side to size / crop_pct and fills what is missing with the mean colour.</summary>
    Border,
}
