using System.Runtime.InteropServices;
using Backbones.Imaging.Codecs.Bmp;
using Backbones.Imaging.Codecs.Gif;
using Backbones.Imaging.Codecs.Jpeg;
using Backbones.Imaging.Codecs.Png;
using Backbones.Imaging.Codecs.WebP;

namespace Backbones.Imaging.Codecs;

/// <summary>Chooses the decoder; a file's name plays no part.</summary>
internal static class ImageDecoder
{
    /// <summary>Decodes a whole encoded file.</summary>
    /// <param name="format">What its first bytes say that it is.</param>
    /// <param name="encoded">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes for the pixels.</param>
    /// <exception cref="InvalidDataException">The data is cut off, corrupt, or larger than <see cref="ImageLimits.MaxPixels"/>.</exception>
    public static DecodedImage Decode(ImageFileFormat format, ReadOnlyMemory<byte> encoded, Func<int, byte[]> allocate) => format switch
    {
        ImageFileFormat.Png => PngDecoder.Decode(encoded, allocate),
        ImageFileFormat.Jpeg => JpegDecoder.Decode(encoded, allocate),
        ImageFileFormat.Bmp => BmpDecoder.Decode(encoded.Span, allocate),
        ImageFileFormat.Gif => GifDecoder.Decode(encoded.Span, allocate),
        ImageFileFormat.WebP => WebPDecoder.Decode(encoded, allocate),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no decoder for the format."),
    };
}

/// <summary>What every decoder returns: rows from top to bottom without padding, four bytes a pixel (blue, green, red, alpha), alpha not premultiplied.</summary>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Bgra">The pixels; where the memory was rented there may be more of it behind them.</param>
internal readonly record struct DecodedImage(int Width, int Height, byte[] Bgra)
{
    /// <summary>An image without contents yet.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows; a decoder has checked before that memory can hold as many pixels.</param>
    /// <param name="allocate">Gives memory of at least so many bytes.</param>
    public static DecodedImage Allocate(int width, int height, Func<int, byte[]> allocate) => new(width, height, allocate(4 * width * height));

    /// <summary>All pixels.</summary>
    public ReadOnlySpan<byte> Pixels => Bgra.AsSpan(0, 4 * Width * Height);

    /// <summary>The pixels of a row.</summary>
    public Span<uint> Row(int y) => MemoryMarshal.Cast<byte, uint>(Bgra.AsSpan(4 * y * Width, 4 * Width));
}
