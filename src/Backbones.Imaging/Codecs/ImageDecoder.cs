using Backbones.Imaging.Codecs.Bmp;
using Backbones.Imaging.Codecs.Jpeg;
using Backbones.Imaging.Codecs.Png;

namespace Backbones.Imaging.Codecs;

/// <summary>Chooses the decoder by the first bytes of a file; its name plays no part.</summary>
internal static class ImageDecoder
{
    /// <summary>Decodes a whole encoded file.</summary>
    /// <param name="encoded">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes for the pixels; null for an array of just as many.</param>
    /// <exception cref="InvalidDataException">The data is empty, of another format, truncated, corrupt, or larger than <see cref="ImageLimits.MaxPixels"/>.</exception>
    public static DecodedImage Decode(ReadOnlyMemory<byte> encoded, Func<int, byte[]>? allocate = null)
    {
        ReadOnlySpan<byte> data = encoded.Span;
        if (data.IsEmpty)
        {
            throw new InvalidDataException("The image is empty (0 bytes).");
        }

        allocate ??= static length => GC.AllocateUninitializedArray<byte>(length);
        if (data.StartsWith(PngDecoder.Signature))
        {
            return PngDecoder.Decode(encoded, allocate);
        }

        if (data.StartsWith(JpegDecoder.Signature))
        {
            return JpegDecoder.Decode(encoded, allocate);
        }

        if (data.StartsWith(BmpDecoder.Signature))
        {
            return BmpDecoder.Decode(data, allocate);
        }

        throw new InvalidDataException($"{DescribeFormat(data)}; PNG, JPEG and BMP images are decoded.");
    }

    private static string DescribeFormat(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith("GIF8"u8))
        {
            return "This is a GIF image";
        }

        if (data.Length >= 12 && data.StartsWith("RIFF"u8) && data[8..].StartsWith("WEBP"u8))
        {
            return "This is a WebP image";
        }

        if (data.StartsWith("II*\0"u8) || data.StartsWith("MM\0*"u8))
        {
            return "This is a TIFF image";
        }

        return $"Unknown image format (the data begins with {Convert.ToHexString(data[..Math.Min(8, data.Length)])})";
    }
}
