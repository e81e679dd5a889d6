namespace Backbones.Imaging.Resampling;

/// <summary>
/// Rows of an upright picture as four bytes a pixel, whatever the format and the orientation of the stored pixels: as they lie
/// where that is possible, else converted row by row, so a turned picture never exists as a whole.
/// </summary>
internal readonly unsafe struct RowSource : IRowSource
{
    private readonly byte* _origin;
    private readonly nint _stepX;
    private readonly nint _stepY;
    private readonly PixelFormat _format;
    private readonly bool _luminance;

    /// <summary>Looks at <paramref name="image"/>, whose bytes stay pinned at <paramref name="pixels"/>.</summary>
    /// <param name="image">The stored picture.</param>
    /// <param name="pixels">The first byte of its pixels.</param>
    /// <param name="orientation">How it has to be turned.</param>
    /// <param name="luminance">Bring Pillow's mode L in the first byte of each pixel instead of the colours.</param>
    public RowSource(ImageBuffer image, byte* pixels, ImageOrientation orientation, bool luminance)
    {
        nint right = image.PixelSize, down = image.Stride;
        nint lastColumn = right * (image.Width - 1), lastRow = down * (image.Height - 1);
        (nint start, _stepX, _stepY) = orientation switch
        {
            ImageOrientation.Normal => ((nint)0, right, down),
            ImageOrientation.FlipHorizontal => (lastColumn, -right, down),
            ImageOrientation.Rotate180 => (lastColumn + lastRow, -right, -down),
            ImageOrientation.FlipVertical => (lastRow, right, -down),
            ImageOrientation.Transpose => (0, down, right),
            ImageOrientation.Rotate90 => (lastRow, -down, right),
            ImageOrientation.Transverse => (lastColumn + lastRow, -down, -right),
            ImageOrientation.Rotate270 => (lastColumn, down, -right),
            _ => throw new ArgumentOutOfRangeException(nameof(orientation), orientation, "EXIF orientations go from 1 to 8."),
        };
        _origin = pixels + start;
        _format = image.Format;
        _luminance = luminance;
        (Width, Height) = orientation >= ImageOrientation.Transpose ? (image.Height, image.Width) : (image.Width, image.Height);
    }

    public int Width { get; }

    public int Height { get; }

    public bool IsDirect => _stepX == 4 && !_luminance && _format is PixelFormat.Rgba32 or PixelFormat.Bgra32;

    public byte* Direct(int y) => _origin + _stepY * y;

    /// <summary>Colours are in the order of the stored ones.</summary>
    public void Convert(int y, uint* target)
    {
        byte* pixel = Direct(y);
        switch (_format)
        {
            case PixelFormat.Gray8:
                for (int x = 0; x < Width; x++, pixel += _stepX)
                {
                    target[x] = *pixel * 0x010101u;
                }

                break;
            case PixelFormat.Rgb24:
                for (int x = 0; x < Width; x++, pixel += _stepX)
                {
                    target[x] = (uint)(pixel[0] | pixel[1] << 8 | pixel[2] << 16);
                }

                break;
            default:
                for (int x = 0; x < Width; x++, pixel += _stepX)
                {
                    target[x] = *(uint*)pixel;
                }

                break;
        }
        if (_luminance && _format != PixelFormat.Gray8)
        {
            Luminance.Of(new Span<uint>(target, Width), _format);
        }
    }
}

/// <summary>Rows of an upright picture as four bytes a pixel. A resize asks for them from top to bottom, the last one perhaps again.</summary>
internal unsafe interface IRowSource
{
    /// <summary>Pixels in a row.</summary>
    int Width { get; }

    /// <summary>Number of rows.</summary>
    int Height { get; }

    /// <summary>Whether rows can be read as they lie: four colour bytes, pixels side by side.</summary>
    bool IsDirect { get; }

    /// <summary>The stored row <paramref name="y"/>; only where <see cref="IsDirect"/>.</summary>
    byte* Direct(int y);

    /// <summary>Writes row <paramref name="y"/> to where its first pixel would be.</summary>
    void Convert(int y, uint* target);
}

/// <summary>Pillow's mode L of colours (L24): ITU-R 601 weights in 16 fractional bits.</summary>
internal static class Luminance
{
    /// <summary>Brings the luminance of each pixel into its first byte.</summary>
    /// <param name="pixels">Four bytes a pixel.</param>
    /// <param name="format">Their order; red comes first unless it says otherwise.</param>
    public static void Of(Span<uint> pixels, PixelFormat format)
    {
        int red = format == PixelFormat.Bgra32 ? 16 : 0, blue = 16 - red;
        foreach (ref uint pixel in pixels)
        {
            pixel = ((pixel >> red & 255) * 19595 + (pixel >> 8 & 255) * 38470 + (pixel >> blue & 255) * 7471 + 0x8000) >> 16;
        }
    }
}
