using System.Buffers.Binary;
using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Imaging.Headers;

/// <summary>Walks the marker segments of a JPEG file from its start to the first scan.</summary>
internal ref struct JpegSegments(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position = 2;

    /// <summary>The second byte of the current marker.</summary>
    public byte Marker { get; private set; }

    /// <summary>What follows the current segment's length; shorter than said where the bytes end.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>Where the walk stands: after the current segment, or after the marker that ended it.</summary>
    public readonly int Position => _position;

    /// <summary>Whether the segment starts an image and so holds its size: SOF0 to SOF15 without DHT, JPG and DAC among them.</summary>
    public readonly bool IsFrame => Marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    /// <summary>Whether the walk ended because the bytes did, not because of what they hold.</summary>
    public bool NeedsMore { get; private set; }

    /// <summary>Goes to the next segment, past bytes that belong to none; false at the first scan, the end of the image, and where the bytes end.</summary>
    public bool MoveNext()
    {
        while (JpegMarkers.TryFindNext(_bytes, ref _position, out int marker))
        {
            Marker = (byte)marker;
            if (marker is JpegMarkers.EndOfImage or JpegMarkers.StartOfScan)
            {
                return false;
            }

            if (JpegMarkers.IsAlone(marker))
            {
                continue;
            }

            if (_position > _bytes.Length - 2)
            {
                break;
            }

            int length = Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(_bytes[_position..]));
            int end = Math.Min(_position + length, _bytes.Length);
            Payload = _bytes[(_position + 2)..end];
            _position = end;
            return true;
        }

        NeedsMore = true;
        return false;
    }
}
