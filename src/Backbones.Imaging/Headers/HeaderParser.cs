using System.Buffers.Binary;

namespace Backbones.Imaging.Headers;

/// <summary>Finds format and size at the start of an image file.</summary>
internal static class HeaderParser
{
    public static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static bool IsJpeg(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    public static bool IsWebP(ReadOnlySpan<byte> bytes) => bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8);

    /// <summary>Reads what it can.</summary>
    /// <param name="bytes">The file or its beginning.</param>
    /// <param name="header">Format, width and height as they are written, 0 included.</param>
    /// <param name="problem">What is wrong with the bytes; null where it is only that they end too early.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ImageHeader header, out string? problem)
    {
        header = default;
        problem = null;
        // The longest signature, WebP's, takes 12 bytes; no picture in any of the formats is shorter.
        if (bytes.Length < 12)
        {
            return false;
        }

        if (bytes.StartsWith(PngSignature))
        {
            return Png(bytes, out header, out problem);
        }

        if (IsJpeg(bytes))
        {
            return Jpeg(bytes, out header, out problem);
        }

        if (bytes.StartsWith("BM"u8))
        {
            return Bmp(bytes, out header, out problem);
        }

        if (bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8))
        {
            header = new(ImageFileFormat.Gif, BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]));
            return true;
        }
        if (IsWebP(bytes))
        {
            return WebP(bytes, out header, out problem);
        }

        problem = $"is no PNG, JPEG, BMP, GIF or WebP file: it starts with the bytes {Convert.ToHexString(bytes[..12])}";
        return false;
    }

    private static bool Png(ReadOnlySpan<byte> bytes, out ImageHeader header, out string? problem)
    {
        header = default;
        problem = null;
        if (bytes.Length < 24)
        {
            return false;
        }

        if (!bytes[12..].StartsWith("IHDR"u8))
        {
            problem = "is a broken PNG file: its first chunk is not IHDR";
            return false;
        }
        uint width = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), height = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        return Sized(ImageFileFormat.Png, width, height, out header, out problem);
    }

    private static bool Jpeg(ReadOnlySpan<byte> bytes, out ImageHeader header, out string? problem)
    {
        header = default;
        problem = null;
        var segments = new JpegSegments(bytes);
        while (segments.MoveNext())
        {
            if (!segments.IsFrame)
            {
                continue;
            }

            if (segments.Payload.Length < 5)
            {
                return false;
            }

            header = new(
                ImageFileFormat.Jpeg, BinaryPrimitives.ReadUInt16BigEndian(segments.Payload[3..]), BinaryPrimitives.ReadUInt16BigEndian(segments.Payload[1..]));
            return true;
        }
        if (!segments.NeedsMore)
        {
            problem = "is a broken JPEG file: it has no frame header before its first scan";
        }

        return false;
    }

    private static bool Bmp(ReadOnlySpan<byte> bytes, out ImageHeader header, out string? problem)
    {
        header = default;
        problem = null;
        if (bytes.Length < 26)
        {
            return false;
        }

        uint headerSize = BinaryPrimitives.ReadUInt32LittleEndian(bytes[14..]);
        if (headerSize == 12)
        {
            return Sized(ImageFileFormat.Bmp, BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]), out header, out problem);
        }

        if (headerSize < 16)
        {
            problem = $"is a broken BMP file: its header says that it is {headerSize} bytes long";
            return false;
        }
        // A negative height says that the top row comes first.
        int width = BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]), height = BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]);
        return Sized(ImageFileFormat.Bmp, width, Math.Abs((long)height), out header, out problem);
    }

    private static bool WebP(ReadOnlySpan<byte> bytes, out ImageHeader header, out string? problem)
    {
        header = default;
        problem = null;
        if (bytes.Length < 30)
        {
            return false;
        }

        var chunk = bytes[20..];
        if (bytes[12..].StartsWith("VP8 "u8))
        {
            header = new(ImageFileFormat.WebP, BinaryPrimitives.ReadUInt16LittleEndian(chunk[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(chunk[8..]) & 0x3FFF);
            return true;
        }
        if (bytes[12..].StartsWith("VP8L"u8))
        {
            uint sizes = BinaryPrimitives.ReadUInt32LittleEndian(chunk[1..]);
            header = new(ImageFileFormat.WebP, (int)(sizes & 0x3FFF) + 1, (int)(sizes >> 14 & 0x3FFF) + 1);
            return true;
        }
        if (bytes[12..].StartsWith("VP8X"u8))
        {
            header = new(ImageFileFormat.WebP, UInt24(chunk[4..]) + 1, UInt24(chunk[7..]) + 1);
            return true;
        }
        problem = "is a broken WebP file: its first chunk is not an image";
        return false;

        static int UInt24(ReadOnlySpan<byte> value) => value[0] | value[1] << 8 | value[2] << 16;
    }

    private static bool Sized(ImageFileFormat format, long width, long height, out ImageHeader header, out string? problem)
    {
        bool valid = width is >= 0 and <= int.MaxValue && height is >= 0 and <= int.MaxValue;
        header = valid ? new(format, (int)width, (int)height) : default;
        problem = valid ? null : $"says that it is {width}×{height} pixels, which no {format} file can be";
        return valid;
    }
}
