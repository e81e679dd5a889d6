using System.Buffers;
using Backbones.Imaging.Headers;

namespace Backbones.Imaging;

/// <summary>The kinds of image file that <see cref="ImageHeader"/> knows.</summary>
public enum ImageFileFormat
{
    /// <summary>Portable Network Graphics.</summary>
    Png,

    /// <summary>JPEG.</summary>
    Jpeg,

    /// <summary>Windows bitmap, with a file header or without (<c>.dib</c>).</summary>
    Bmp,

    /// <summary>GIF; the size is that of the whole screen, and the first frame has to be within it.</summary>
    Gif,

    /// <summary>WebP.</summary>
    WebP,
}

/// <summary>
/// What the first bytes of an image file say. Reading it before decoding is the guard against image bombs: a file of a few bytes can
/// say that it is 50,000 × 50,000 pixels, and decoders believe it.
/// </summary>
/// <param name="Format">The kind of file.</param>
/// <param name="Width">Columns of the stored picture, before any EXIF orientation.</param>
/// <param name="Height">Rows of the stored picture, before any EXIF orientation.</param>
public readonly record struct ImageHeader(ImageFileFormat Format, int Width, int Height)
{
    /// <summary>The number of pixels from which Pillow warns (<c>Image.MAX_IMAGE_PIXELS</c>).</summary>
    public const long WarningPixels = 89_478_485;

    /// <summary>The largest number of pixels that Pillow opens, twice <see cref="WarningPixels"/>.</summary>
    public const long DefaultMaxPixels = 2 * WarningPixels;

    // Segments before a JPEG's size hold thumbnails and profiles; nothing sensible is larger.
    private const int MaxHeaderBytes = 16 << 20;

    /// <summary>Width × height.</summary>
    public long Pixels => (long)Width * Height;

    /// <summary>Reads the header of a file in memory.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="maxPixels">The largest picture allowed.</param>
    /// <param name="fileName">What messages call the file.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, of an unknown kind, without pixels or with too many.</exception>
    public static ImageHeader Read(ReadOnlySpan<byte> bytes, long maxPixels = DefaultMaxPixels, string? fileName = null)
    {
        if (!HeaderParser.TryParse(bytes, out var header, out var problem))
        {
            throw Invalid(fileName, problem ?? CutOff(bytes.Length));
        }

        return header.Checked(maxPixels, fileName);
    }

    /// <summary>Reads the header of a file from a stream, which is left where it was if it can seek.</summary>
    /// <param name="stream">The file, from its first byte on.</param>
    /// <param name="maxPixels">The largest picture allowed.</param>
    /// <param name="fileName">What messages call the file.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, of an unknown kind, without pixels or with too many.</exception>
    public static ImageHeader Read(Stream stream, long maxPixels = DefaultMaxPixels, string? fileName = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        long start = stream.CanSeek ? stream.Position : 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            int length = 0;
            while (true)
            {
                int read = stream.ReadAtLeast(buffer.AsSpan(length), buffer.Length - length, throwOnEndOfStream: false);
                length += read;
                if (HeaderParser.TryParse(buffer.AsSpan(0, length), out var header, out var problem))
                {
                    return header.Checked(maxPixels, fileName);
                }

                if (problem is not null || length < buffer.Length)
                {
                    throw Invalid(fileName, problem ?? CutOff(length));
                }

                if (length >= MaxHeaderBytes)
                {
                    throw Invalid(fileName, $"has no image size in its first {length} bytes");
                }

                byte[] longer = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
                buffer.AsSpan(0, length).CopyTo(longer);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = longer;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (stream.CanSeek)
            {
                stream.Position = start;
            }
        }
    }

    /// <summary>
    /// Refuses a JPEG or WebP file in memory whose picture is cut off. Decoders differ in what they make of one: some give grey rows and say nothing.
    /// Whether a PNG, BMP or GIF file is shows when it is decoded: one that lacks no row is read, whatever else is missing.
    /// </summary>
    /// <param name="file">The whole file that this header was read from.</param>
    /// <param name="fileName">What messages call the file.</param>
    /// <exception cref="InvalidDataException">The end of the picture is missing.</exception>
    public void RequireComplete(ReadOnlySpan<byte> file, string? fileName = null)
    {
        if (!ImageFileEnd.IsThere(file, Format))
        {
            throw Invalid(fileName, $"is cut off: its {file.Length} bytes lack the end of the {Format} picture");
        }
    }

    private ImageHeader Checked(long maxPixels, string? fileName)
    {
        if (Pixels == 0)
        {
            throw Invalid(fileName, $"says that it is {Width}×{Height} pixels; a picture needs at least one");
        }

        if (Pixels > maxPixels)
        {
            throw Invalid(fileName, $"says that it is {Width}×{Height} = {Pixels} pixels, more than the limit of {maxPixels}: it may be an image bomb and was not decoded");
        }

        return this;
    }

    private static string CutOff(int length) => length == 0 ? "is empty (0 bytes)" : $"is cut off: it ends within its header, after {length} bytes";

    private static InvalidDataException Invalid(string? fileName, string problem) =>
        new($"{(fileName is null ? "The image" : $"The image '{fileName}'")} {problem}.");
}
