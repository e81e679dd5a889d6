using Backbones.Imaging;

namespace Backbones.Detection;

/// <summary>An upright image, read row by row as normalised floats.</summary>
internal interface IPixelRows
{
    int Width { get; }

    int Height { get; }

    /// <summary>Writes a row's red, green and blue values one after another, <c>[3, Width]</c>.</summary>
    void Read(int y, Span<float> row);
}

/// <summary>Values in [0, 1], plane after plane.</summary>
internal sealed class FloatRows : IPixelRows
{
    private readonly ImageTensor _image;
    private readonly float[] _mean, _std;

    public FloatRows(ImageTensor image, float[] mean, float[] std) => (_image, _mean, _std) = (image, mean, std);

    /// <summary>No image.</summary>
    public static IPixelRows None { get; } = new FloatRows(new ImageTensor(default, 0, 0), [], []);

    public int Width => _image.Width;

    public int Height => _image.Height;

    public void Read(int y, Span<float> row)
    {
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<float> source = _image.Values.Span.Slice((channel * Height + y) * Width, Width);
            Span<float> target = row.Slice(channel * Width, Width);
            float mean = _mean[channel], std = _std[channel];
            for (int x = 0; x < source.Length; x++)
                target[x] = (source[x] - mean) / std;
        }
    }
}

/// <summary>Decoded pixels, turned as they say.</summary>
internal sealed class ByteRows : IPixelRows
{
    private readonly ImagePixels _image;
    private readonly float[][] _values;
    private readonly int _start, _stepX, _stepY;

    /// <param name="image">The pixels.</param>
    /// <param name="values">For red, green and blue the normalised value of each byte.</param>
    public ByteRows(ImagePixels image, float[][] values)
    {
        _image = image;
        _values = values;
        var buffer = new ImageBuffer(image.Pixels.Span, image.Width, image.Height, image.Format);
        ImageOrientation turn = image.Orientation;
        bool swaps = turn >= ImageOrientation.Transpose;
        (Width, Height) = swaps ? (image.Height, image.Width) : (image.Width, image.Height);
        // Whether stored columns and rows run against the upright ones.
        bool mirrorsX = turn is ImageOrientation.FlipHorizontal or ImageOrientation.Rotate180 or ImageOrientation.Transverse or ImageOrientation.Rotate270;
        bool mirrorsY = turn is ImageOrientation.FlipVertical or ImageOrientation.Rotate180 or ImageOrientation.Transverse or ImageOrientation.Rotate90;
        (int column, int row) = (mirrorsX ? -buffer.PixelSize : buffer.PixelSize, mirrorsY ? -buffer.Stride : buffer.Stride);
        (_stepX, _stepY) = swaps ? (row, column) : (column, row);
        _start = (mirrorsX ? (image.Width - 1) * buffer.PixelSize : 0) + (mirrorsY ? (image.Height - 1) * buffer.Stride : 0);
    }

    public int Width { get; }

    public int Height { get; }

    public void Read(int y, Span<float> row)
    {
        ReadOnlySpan<byte> pixels = _image.Pixels.Span;
        (int red, int green, int blue) = _image.Format switch
        {
            PixelFormat.Gray8 => (0, 0, 0),
            PixelFormat.Bgra32 => (2, 1, 0),
            _ => (0, 1, 2),
        };
        Span<float> reds = row[..Width], greens = row.Slice(Width, Width), blues = row.Slice(2 * Width, Width);
        int at = _start + y * _stepY;
        for (int x = 0; x < reds.Length; x++, at += _stepX)
        {
            reds[x] = _values[0][pixels[at + red]];
            greens[x] = _values[1][pixels[at + green]];
            blues[x] = _values[2][pixels[at + blue]];
        }
    }
}
