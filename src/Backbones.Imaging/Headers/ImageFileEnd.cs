using System.Buffers.Binary;
using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Imaging.Headers;

/// <summary>Tells whether a file holds its picture to the end. Some decoders fill up what is cut off with grey and say nothing.</summary>
internal static class ImageFileEnd
{
    /// <summary>False where the end of the picture is certainly missing.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="format">What its header says that it is.</param>
    public static bool IsThere(ReadOnlySpan<byte> bytes, ImageFileFormat format) => format switch
    {
        ImageFileFormat.Jpeg => HasJpegEnd(bytes),
        ImageFileFormat.Png => HasPngEnd(bytes),
        ImageFileFormat.Bmp => HasBmpRows(bytes),
        ImageFileFormat.WebP => BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) <= (ulong)(bytes.Length - 8),
        _ => true,
    };

    // The end marker cannot occur within compressed data, where zeros are put behind every 0xFF; in segments before, it can.
    // Where it is missing the rows may all be there, which only reading them tells.
    private static bool HasJpegEnd(ReadOnlySpan<byte> bytes)
    {
        var segments = new JpegSegments(bytes);
        while (segments.MoveNext())
        {
        }

        return segments.Marker == JpegMarkers.StartOfScan
            && (bytes[segments.Position..].LastIndexOf((ReadOnlySpan<byte>)[0xFF, JpegMarkers.EndOfImage]) >= 0 || JpegDecoder.HasAllRows(bytes.ToArray()));
    }

    private static bool HasPngEnd(ReadOnlySpan<byte> bytes)
    {
        // A chunk is length, name, content and checksum.
        for (ReadOnlySpan<byte> chunks = bytes[HeaderParser.PngSignature.Length..]; chunks.Length >= 12;)
        {
            if (chunks[4..].StartsWith("IEND"u8))
                return true;
            long next = 12L + BinaryPrimitives.ReadUInt32BigEndian(chunks);
            if (next > chunks.Length)
                return false;
            chunks = chunks[(int)next..];
        }
        return false;
    }

    private static bool HasBmpRows(ReadOnlySpan<byte> bytes)
    {
        const uint CoreHeader = 12, Uncompressed = 0;
        bool isCore = BinaryPrimitives.ReadUInt32LittleEndian(bytes[14..]) == CoreHeader;
        if (!isCore && (bytes.Length < 34 || BinaryPrimitives.ReadUInt32LittleEndian(bytes[30..]) != Uncompressed))
            return bytes.Length >= 34;
        long width = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]) : BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]);
        long height = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]) : Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]));
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(isCore ? 24 : 28)..]);
        long row = (width * bits + 31) / 32 * 4;
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[10..]) + row * height <= bytes.Length;
    }
}
