using System.Buffers.Binary;
using System.IO.Compression;

namespace Backbones.Imaging.Headers;

/// <summary>Where an image file has its EXIF and XMP data, each empty where it has none.</summary>
internal readonly ref struct PictureMetadata
{
    // Pillow's limit for a text that a PNG file holds compressed.
    private const int MaxTextBytes = 1 << 20;

    /// <summary>EXIF data, perhaps with a prefix.</summary>
    public ReadOnlySpan<byte> Exif { get; private init; }

    /// <summary>XMP data, a text.</summary>
    public ReadOnlySpan<byte> Xmp { get; private init; }

    /// <summary>Looks for them in a whole JPEG, PNG or WebP file; other formats have none that Pillow reads.</summary>
    public static PictureMetadata Of(ReadOnlySpan<byte> file) =>
        HeaderParser.IsJpeg(file) ? OfJpeg(file)
        : file.StartsWith(HeaderParser.PngSignature) ? OfPng(file[HeaderParser.PngSignature.Length..])
        : HeaderParser.IsWebP(file) ? OfWebP(file[12..])
        : default;

    private static PictureMetadata OfJpeg(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> exif = default, xmp = default, xmpName = "http://ns.adobe.com/xap/1.0/\0"u8;
        MemoryStream? longExif = null;
        var segments = new JpegSegments(file);
        while (segments.MoveNext())
        {
            if (segments.Marker != 0xE1)
            {
                continue;
            }

            if (segments.Payload.StartsWith("Exif\0\0"u8))
            {
                // Data of more than 64 KB goes on in the next segment.
                if (exif.IsEmpty)
                {
                    exif = segments.Payload;
                    continue;
                }

                if (longExif is null)
                {
                    longExif = new MemoryStream();
                    longExif.Write(exif);
                }

                longExif.Write(segments.Payload[6..]);
            }
            else if (segments.Payload.StartsWith(xmpName))
            {
                xmp = segments.Payload[xmpName.Length..];
            }
        }

        return new PictureMetadata { Exif = longExif is null ? exif : longExif.ToArray(), Xmp = xmp };
    }

    // RIFF: name, length, data padded to even.
    private static PictureMetadata OfWebP(ReadOnlySpan<byte> chunks)
    {
        ReadOnlySpan<byte> exif = default, xmp = default;
        while (chunks.Length >= 8)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(chunks[4..]);
            var data = chunks[8..];
            if (length > data.Length)
            {
                break;
            }

            if (chunks.StartsWith("EXIF"u8))
            {
                exif = exif.IsEmpty ? data[..(int)length] : exif;
            }
            else if (chunks.StartsWith("XMP "u8))
            {
                xmp = xmp.IsEmpty ? data[..(int)length] : xmp;
            }

            chunks = data[(int)Math.Min(length + (length & 1L), data.Length)..];
        }

        return new PictureMetadata { Exif = exif, Xmp = xmp };
    }

    // PNG: length, name, data, checksum.
    private static PictureMetadata OfPng(ReadOnlySpan<byte> chunks)
    {
        // Texts are read, and perhaps decompressed, when all were seen: the last one counts.
        ReadOnlySpan<byte> exif = default, rawProfile = default, xmp = default;
        byte rawProfileKind = 0, xmpKind = 0;
        while (chunks.Length >= 8)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunks);
            var name = chunks.Slice(4, 4);
            chunks = chunks[8..];
            if (length > chunks.Length || name.SequenceEqual("IEND"u8))
            {
                break;
            }

            var data = chunks[..(int)length];
            if (name.SequenceEqual("eXIf"u8))
            {
                exif = data;
            }
            else if (name.SequenceEqual("tEXt"u8) || name.SequenceEqual("zTXt"u8) || name.SequenceEqual("iTXt"u8))
            {
                int keyEnd = data.IndexOf((byte)0);
                var key = keyEnd < 0 ? default : data[..keyEnd];
                if (key.SequenceEqual("XML:com.adobe.xmp"u8))
                {
                    xmp = data[(keyEnd + 1)..];
                    xmpKind = name[0];
                }
                else if (key.SequenceEqual("Raw profile type exif"u8))
                {
                    rawProfile = data[(keyEnd + 1)..];
                    rawProfileKind = name[0];
                }
            }

            chunks = chunks[(int)Math.Min(length + 4L, chunks.Length)..];
        }

        return new PictureMetadata { Exif = exif.IsEmpty ? FromRawProfile(Text(rawProfileKind, rawProfile)) : exif, Xmp = Text(xmpKind, xmp) };
    }

    /// <summary>The text behind a key: as it is (tEXt), compressed (zTXt), or either behind a language and a translated key (iTXt).</summary>
    private static ReadOnlySpan<byte> Text(byte kind, ReadOnlySpan<byte> data)
    {
        if (kind is 0 or (byte)'t')
        {
            return data;
        }

        int header = kind == 'z' ? 1 : 2;
        if (data.Length < header)
        {
            return default;
        }

        bool isCompressed = kind == 'z' || data[0] != 0;
        byte method = data[header - 1];
        data = data[header..];
        for (int i = 0; kind == 'i' && i < 2; i++)
        {
            int end = data.IndexOf((byte)0);
            if (end < 0)
            {
                return default;
            }

            data = data[(end + 1)..];
        }

        return !isCompressed ? data : method == 0 ? Decompress(data) : default;
    }

    private static ReadOnlySpan<byte> Decompress(ReadOnlySpan<byte> data)
    {
        byte[] text = new byte[MaxTextBytes];
        using var stream = new ZLibStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress);
        try
        {
            return text.AsSpan(0, stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return default;
        }
    }

    /// <summary>ImageMagick's form: an empty line, a name, a length, then lines of hexadecimal digits.</summary>
    private static ReadOnlySpan<byte> FromRawProfile(ReadOnlySpan<byte> text)
    {
        for (int line = 0; line < 3; line++)
        {
            int end = text.IndexOf((byte)'\n');
            if (end < 0)
            {
                return default;
            }

            text = text[(end + 1)..];
        }

        byte[] exif = new byte[text.Length / 2];
        int digits = 0;
        foreach (byte letter in text)
        {
            if (char.IsWhiteSpace((char)letter))
            {
                continue;
            }

            if (!char.IsAsciiHexDigit((char)letter))
            {
                return default;
            }

            int value = char.IsAsciiDigit((char)letter) ? letter - '0' : (letter | 0x20) - 'a' + 10;
            if (digits / 2 < exif.Length)
            {
                exif[digits / 2] |= (byte)(value << (4 * (~digits & 1)));
            }

            digits++;
        }

        return exif.AsSpan(0, digits / 2);
    }
}
