using Backbones.Imaging.Resampling;

namespace Backbones.Imaging;

/// <summary>
/// From a decoded picture to a model's input, bit for bit as timm does it with Pillow and torchvision for evaluation:
/// <c>transforms_imagenet_eval</c>, that is resize, centre crop with a border where the picture is too small, division by 255,
/// then (x - mean) / std in float32. An instance never changes and can be used by many threads at once; it allocates nothing
/// for a picture of a size that it has seen before.
/// </summary>
public sealed partial class ImageTransform
{
    // What a byte becomes: 256 values for each channel, made with the operations of ToTensor and Normalize.
    private readonly float[] _values;
    private readonly byte[] _fill;

    /// <summary>Prepares the transform.</summary>
    /// <exception cref="ArgumentException">The options ask for what does not exist; the message says what would be valid.</exception>
    public ImageTransform(ImageTransformOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = Checked(options);
        _values = new float[256 * options.Channels];
        _fill = new byte[options.Channels];
        for (int c = 0; c < options.Channels; c++)
        {
            float mean = (float)options.Mean[c], std = (float)options.Std[c];
            for (int value = 0; value < 256; value++)
            {
                _values[256 * c + value] = (value / 255f - mean) / std;
            }

            if (options.CropMode == CropMode.Border)
            {
                _fill[c] = (byte)Math.Clamp(Math.Round(255 * options.Mean[c]), 0, 255);
            }
        }
    }

    /// <summary>What was asked for.</summary>
    public ImageTransformOptions Options { get; }

    /// <summary>Number of values that a picture becomes: channels × height × width.</summary>
    public int OutputLength => Options.Channels * Options.Height * Options.Width;

    /// <summary>Writes the model's input for one picture.</summary>
    /// <param name="image">The picture; colours other than the ones wanted are converted as Pillow's <c>convert</c> does.</param>
    /// <param name="output">Receives <see cref="OutputLength"/> values as planes, [C, H, W], colours in the order red, green, blue.</param>
    /// <param name="orientation">How the picture has to be turned first; timm ignores what a file says about it, so does the default.</param>
    /// <exception cref="ArgumentException">The output has another length, or the picture's shape leaves no pixel after scaling or takes unreasonable work.</exception>
    public void Apply(ImageBuffer image, Span<float> output, ImageOrientation orientation = ImageOrientation.Normal) =>
        Apply(image, output, orientation, Resampler.Best);

    /// <summary>Writes the pixels that <see cref="Apply(ImageBuffer, Span{float}, ImageOrientation)"/> would normalise, to look at them.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="output">Receives <see cref="OutputLength"/> bytes, [H, W, C], colours in the order red, green, blue.</param>
    /// <param name="orientation">How the picture has to be turned first.</param>
    /// <exception cref="ArgumentException">The output has another length, or the picture's shape leaves no pixel after scaling or takes unreasonable work.</exception>
    public void ApplyToPixels(ImageBuffer image, Span<byte> output, ImageOrientation orientation = ImageOrientation.Normal)
    {
        CheckLength(output.Length);
        var window = Window.Of(image, orientation, Options);
        if (!window.CoversAll(Options))
        {
            for (int i = 0; i < output.Length; i++)
            {
                output[i] = _fill[i % _fill.Length];
            }
        }
        var sink = new InterleavedSink(output, Options.Width, window.Y * Options.Width + window.X, window.Columns, Options.Channels, image.Format);
        Resample(image, orientation, window, ref sink, Resampler.Best);
    }

    internal void Apply(ImageBuffer image, Span<float> output, ImageOrientation orientation, ResampleKernel kernel)
    {
        CheckLength(output.Length);
        var window = Window.Of(image, orientation, Options);
        var sink = Planes(output, window, image.Format);
        Resample(image, orientation, window, ref sink, kernel);
    }

    /// <summary>Fills the border, if there is one, and gives what takes the rows.</summary>
    private PlanarSink Planes(Span<float> output, Window window, PixelFormat order)
    {
        int planeSize = Options.Height * Options.Width;
        if (!window.CoversAll(Options))
        {
            for (int c = 0; c < _fill.Length; c++)
            {
                output.Slice(c * planeSize, planeSize).Fill(_values[256 * c + _fill[c]]);
            }
        }
        return new PlanarSink(output, Options.Width, planeSize, window.Y * Options.Width + window.X, window.Columns, _values, order);
    }

    private unsafe void Resample<TSink>(ImageBuffer image, ImageOrientation orientation, Window window, ref TSink sink, ResampleKernel kernel)
        where TSink : IRowSink, allows ref struct
    {
        fixed (byte* pixels = image.Pixels)
        {
            var source = new RowSource(image, pixels, orientation, luminance: Options.Channels == 1);
            Resampler.Run(source, window.HorizontalTable(source.Width), window.VerticalTable(source.Height), ref sink, kernel);
        }
    }

    private void CheckLength(int length)
    {
        if (length != OutputLength)
        {
            throw new ArgumentException($"The transform writes {OutputLength} values ({Options.Channels}×{Options.Height}×{Options.Width}); the output has room for {length}.");
        }
    }

    private static ImageTransformOptions Checked(ImageTransformOptions options)
    {
        if (options.Channels is not (1 or 3))
        {
            throw new ArgumentException($"A picture can become 3 channels (RGB) or 1 (grey); asked for were {options.Channels}. Models with other inputs take tensors, not pictures.");
        }

        if (options.Height < 1 || options.Width < 1)
        {
            throw new ArgumentException($"The input size must be at least 1×1; asked for was {options.Height}×{options.Width}.");
        }

        if ((Int128)options.Channels * options.Height * options.Width > Array.MaxLength)
        {
            throw new ArgumentException($"An array holds {Array.MaxLength} values at most; asked for was an input of {options.Channels}×{options.Height}×{options.Width}.");
        }

        if (!(options.CropPct > 0 && double.IsFinite(options.CropPct)))
        {
            throw new ArgumentException($"crop_pct must be a positive number, usually 0.8 to 1; received {options.CropPct}.");
        }

        int smallest = TransformGeometry.ScaleSize(Math.Min(options.Height, options.Width), options.CropPct);
        if (smallest < 1)
        {
            throw new ArgumentException($"crop_pct {options.CropPct} scales a side of {Math.Min(options.Height, options.Width)} pixels to {smallest}; it must leave at least one.");
        }

        if (!Enum.IsDefined(options.Interpolation))
        {
            throw new ArgumentException($"Unknown interpolation {options.Interpolation}; valid: {string.Join(", ", Enum.GetNames<Interpolation>())}.");
        }

        if (!Enum.IsDefined(options.CropMode))
        {
            throw new ArgumentException($"Unknown crop mode {options.CropMode}; valid: {string.Join(", ", Enum.GetNames<CropMode>())}.");
        }

        if (options.Mean?.Count != options.Channels || options.Std?.Count != options.Channels)
        {
            throw new ArgumentException($"An input of {options.Channels} channels needs as many means and standard deviations; received {options.Mean?.Count ?? 0} and {options.Std?.Count ?? 0}.");
        }

        if (!options.Mean.All(double.IsFinite) || !options.Std.All(s => double.IsFinite(s) && (float)s != 0))
        {
            throw new ArgumentException($"Means must be finite, standard deviations finite and not zero; received [{string.Join(", ", options.Mean.Select(v => $"{v}"))}] and [{string.Join(", ", options.Std.Select(v => $"{v}"))}].");
        }

        return options;
    }

    /// <summary>The part of the result that shows the picture.</summary>
    private readonly record struct Window(TransformGeometry Geometry, int X, int Y, int Columns, int Rows)
    {
        public static Window Of(ImageBuffer image, ImageOrientation orientation, ImageTransformOptions options) =>
            orientation >= ImageOrientation.Transpose ? Of(image.Height, image.Width, options) : Of(image.Width, image.Height, options);

        public static Window Of(int width, int height, ImageTransformOptions options)
        {
            var geometry = TransformGeometry.Of(width, height, options);
            return new(
                geometry, Math.Max(-geometry.Left, 0), Math.Max(-geometry.Top, 0),
                Math.Min(geometry.ResizedWidth, options.Width), Math.Min(geometry.ResizedHeight, options.Height));
        }

        /// <summary>How columns are made of a row of <paramref name="width"/> pixels.</summary>
        public ResampleTable HorizontalTable(int width) => ResampleTable.Get(
            width, Geometry.ResizedWidth, Math.Max(Geometry.Left, 0), Columns, Geometry.Interpolation, Resampler.HorizontalTapMultiple);

        /// <summary>How rows are made of a picture of <paramref name="height"/> rows.</summary>
        public ResampleTable VerticalTable(int height) => ResampleTable.Get(
            height, Geometry.ResizedHeight, Math.Max(Geometry.Top, 0), Rows, Geometry.Interpolation, tapMultiple: 1);

        public bool CoversAll(ImageTransformOptions options) => Columns == options.Width && Rows == options.Height;
    }
}
