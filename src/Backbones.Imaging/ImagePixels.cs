using Backbones.Imaging;

namespace Backbones;

/// <summary>Decoded pixels of one image.</summary>
/// <param name="Pixels">Rows from the top, without gaps.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Format">Layout of one pixel.</param>
public sealed record ImagePixels(ReadOnlyMemory<byte> Pixels, int Width, int Height, PixelFormat Format)
{
    /// <summary>How the pixels have to be turned to be upright, which is done when features are computed; as they are unless it is asked for.</summary>
    public ImageOrientation Orientation { get; init; } = ImageOrientation.Normal;

    internal ImageBuffer Buffer => new(Pixels.Span, Width, Height, Format);

    /// <summary>
    /// Decodes a JPEG, PNG, BMP, GIF or WebP file to the pixels that Pillow gives, bit for bit; of animations the first frame. WebP is decoded by
    /// SkiaSharp's native library, which is loaded with the first such file, the others by managed code.
    /// </summary>
    /// <param name="path">A regular file; its contents decide the format, not its name.</param>
    /// <param name="applyExifOrientation">Take over what the EXIF data say about <see cref="Orientation"/>; timm does not.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, damaged, of another format, or has more than <see cref="ImageHeader.DefaultMaxPixels"/> pixels.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static ImagePixels Load(string path, bool applyExifOrientation = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var file = FileBytes.Read(path, path);
        return Decode(file.Memory, path, applyExifOrientation);
    }

    /// <summary>The same for a file in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="applyExifOrientation">Take over what the EXIF data say about <see cref="Orientation"/>; timm does not.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, damaged, of another format, or has more than <see cref="ImageHeader.DefaultMaxPixels"/> pixels.</exception>
    public static ImagePixels Decode(ReadOnlyMemory<byte> file, bool applyExifOrientation = false) => Decode(file, fileName: null, applyExifOrientation);

    private static ImagePixels Decode(ReadOnlyMemory<byte> file, string? fileName, bool applyExifOrientation)
    {
        var image = EncodedPicture.Decode(EncodedPicture.Check(file.Span, fileName), file, fileName);
        return new ImagePixels(image.Bgra, image.Width, image.Height, PixelFormat.Bgra32)
        {
            Orientation = applyExifOrientation ? ExifOrientation.Read(file.Span) : ImageOrientation.Normal,
        };
    }
}
