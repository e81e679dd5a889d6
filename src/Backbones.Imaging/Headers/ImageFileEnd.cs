using System.Buffers.Binary;
using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Imaging.Headers;

/// <summary>
/// Tells whether a file holds its picture to the end, where that shows without decoding: in JPEG and WebP. Some decoders fill up what is cut off
/// with grey and say nothing; those of PNG, BMP and GIF are ours and say it.
/// </summary>
internal static class ImageFileEnd
{
    /// <summary>False where the end of the picture is certainly missing.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="format">What its header says that it is.</param>
    public static bool IsThere(ReadOnlySpan<byte> bytes, ImageFileFormat format) => format switch
    {
        ImageFileFormat.Jpeg => HasJpegEnd(bytes),
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
}
