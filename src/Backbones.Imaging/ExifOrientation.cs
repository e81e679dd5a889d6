using System.Buffers.Binary;
using Backbones.Imaging.Headers;

namespace Backbones.Imaging;

/// <summary>
/// Reads how a JPEG, PNG or WebP file says that its pixels have to be turned. timm does not look at it; who wants pictures upright
/// gives the result to <see cref="ImageTransform"/>, which then does what Pillow's <c>ImageOps.exif_transpose</c> does.
/// </summary>
public static class ExifOrientation
{
    private const ushort OrientationTag = 274;

    /// <summary>The orientation that the file's EXIF data hold; <see cref="ImageOrientation.Normal"/> where they hold none that is valid.</summary>
    /// <param name="bytes">The whole file: a PNG file may have its EXIF data at the end.</param>
    public static ImageOrientation Read(ReadOnlySpan<byte> bytes)
    {
        var tiff = HeaderParser.IsJpeg(bytes) ? FromJpeg(bytes)
            : bytes.StartsWith(HeaderParser.PngSignature) ? FindChunk(bytes[8..], "eXIf"u8, bigEndian: true)
            : HeaderParser.IsWebP(bytes) ? WithoutPrefix(FindChunk(bytes[12..], "EXIF"u8, bigEndian: false))
            : default;
        return FromTiff(tiff);
    }

    private static ReadOnlySpan<byte> FromJpeg(ReadOnlySpan<byte> bytes)
    {
        var segments = new JpegSegments(bytes);
        while (segments.MoveNext())
        {
            if (segments.Marker == 0xE1 && segments.Payload.StartsWith("Exif\0"u8))
            {
                return WithoutPrefix(segments.Payload);
            }
        }
        return default;
    }

    private static ReadOnlySpan<byte> WithoutPrefix(ReadOnlySpan<byte> exif) => exif.StartsWith("Exif\0"u8) && exif.Length >= 6 ? exif[6..] : exif;

    // PNG: length, name, data, checksum. RIFF: name, length, data padded to even.
    private static ReadOnlySpan<byte> FindChunk(ReadOnlySpan<byte> chunks, ReadOnlySpan<byte> name, bool bigEndian)
    {
        while (chunks.Length >= 8)
        {
            uint length = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(chunks) : BinaryPrimitives.ReadUInt32LittleEndian(chunks[4..]);
            var chunkName = chunks.Slice(bigEndian ? 4 : 0, 4);
            chunks = chunks[8..];
            if (length > chunks.Length)
            {
                return default;
            }

            if (chunkName.SequenceEqual(name))
            {
                return chunks[..(int)length];
            }

            long next = bigEndian ? (long)length + 4 : (long)length + (length & 1);
            if (next > chunks.Length)
            {
                return default;
            }

            chunks = chunks[(int)next..];
        }
        return default;
    }

    private static ImageOrientation FromTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8)
        {
            return ImageOrientation.Normal;
        }

        bool little = tiff.StartsWith("II*\0"u8);
        if (!little && !tiff.StartsWith("MM\0*"u8))
        {
            return ImageOrientation.Normal;
        }

        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
        {
            return ImageOrientation.Normal;
        }

        int count = UInt16(tiff, (int)directory, little);
        for (int i = 0; i < count; i++)
        {
            long entry = (long)directory + 2 + 12 * i;
            if (entry > tiff.Length - 12)
            {
                break;
            }

            if (UInt16(tiff, (int)entry, little) != OrientationTag)
            {
                continue;
            }
            // A value of type SHORT stands in the first two of the entry's four value bytes.
            int value = UInt16(tiff, (int)entry + 8, little);
            bool isShort = UInt16(tiff, (int)entry + 2, little) == 3;
            return isShort && value is >= 1 and <= 8 ? (ImageOrientation)value : ImageOrientation.Normal;
        }
        return ImageOrientation.Normal;

        static int UInt16(ReadOnlySpan<byte> data, int offset, bool little) =>
            little ? BinaryPrimitives.ReadUInt16LittleEndian(data[offset..]) : BinaryPrimitives.ReadUInt16BigEndian(data[offset..]);
    }
}
