namespace Backbones.Imaging;

/// <summary>A decoded picture in memory that somebody else owns: nothing is copied.</summary>
public readonly ref struct ImageBuffer
{
    /// <summary>Describes rows of pixels, top row first.</summary>
    /// <param name="pixels">The bytes of all rows.</param>
    /// <param name="width">Pixels in a row, at least 1.</param>
    /// <param name="height">Number of rows, at least 1.</param>
    /// <param name="format">What the bytes of a pixel are.</param>
    /// <param name="stride">Bytes from a row's start to the next row's; 0 means that rows follow each other without a gap.</param>
    /// <exception cref="ArgumentException">The sizes are not positive, the stride is shorter than a row, or there are too few bytes.</exception>
    public ImageBuffer(ReadOnlySpan<byte> pixels, int width, int height, PixelFormat format, int stride = 0)
    {
        if (width < 1 || height < 1)
        {
            throw new ArgumentException($"An image needs at least one pixel in each direction; received {width}×{height}.");
        }

        int pixelSize = format switch
        {
            PixelFormat.Gray8 => 1,
            PixelFormat.Rgb24 => 3,
            PixelFormat.Rgba32 or PixelFormat.Bgra32 => 4,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, $"Valid pixel formats: {string.Join(", ", Enum.GetNames<PixelFormat>())}."),
        };
        long row = (long)width * pixelSize;
        long step = stride == 0 ? row : stride;
        if (step < row)
        {
            throw new ArgumentException($"A row of {width} {format} pixels takes {row} bytes; received a stride of {stride}.", nameof(stride));
        }

        long needed = step * (height - 1) + row;
        if (pixels.Length < needed)
        {
            throw new ArgumentException($"{width}×{height} {format} pixels with a stride of {step} take {needed} bytes; received {pixels.Length}.", nameof(pixels));
        }

        Pixels = pixels;
        Width = width;
        Height = height;
        Format = format;
        Stride = (int)step;
        PixelSize = pixelSize;
    }

    /// <summary>The bytes of all rows.</summary>
    public ReadOnlySpan<byte> Pixels { get; }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Number of rows.</summary>
    public int Height { get; }

    /// <summary>What the bytes of a pixel are.</summary>
    public PixelFormat Format { get; }

    /// <summary>Bytes from a row's start to the next row's.</summary>
    public int Stride { get; }

    /// <summary>Bytes of a pixel: 1, 3 or 4.</summary>
    public int PixelSize { get; }
}

/// <summary>How the bytes of a decoded picture are laid out, 8 bits a channel.</summary>
public enum PixelFormat
{
    /// <summary>One byte a pixel; becomes R = G = B.</summary>
    Gray8,

    /// <summary>Three bytes a pixel: red, green, blue.</summary>
    Rgb24,

    /// <summary>Four bytes a pixel: red, green, blue, alpha. Alpha is dropped, as Pillow's <c>convert('RGB')</c> does.</summary>
    Rgba32,

    /// <summary>Four bytes a pixel: blue, green, red, alpha. Alpha is dropped, as Pillow's <c>convert('RGB')</c> does.</summary>
    Bgra32,
}
