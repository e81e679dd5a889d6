using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Marker codes (the byte after 0xFF) and how the next one is found.</summary>
internal static class JpegMarkers
{
    public const int Temporary = 0x01;
    public const int FirstFrame = 0xC0;
    public const int BaselineFrame = 0xC0;
    public const int ExtendedFrame = 0xC1;
    public const int ProgressiveFrame = 0xC2;
    public const int HuffmanTables = 0xC4;
    public const int Extension = 0xC8;
    public const int ArithmeticFrame = 0xC9;
    public const int ArithmeticProgressiveFrame = 0xCA;
    public const int ArithmeticConditioning = 0xCC;
    public const int LastFrame = 0xCF;
    public const int Restart0 = 0xD0;
    public const int StartOfImage = 0xD8;
    public const int EndOfImage = 0xD9;
    public const int StartOfScan = 0xDA;
    public const int QuantizationTables = 0xDB;
    public const int NumberOfLines = 0xDC;
    public const int RestartInterval = 0xDD;
    public const int Application0 = 0xE0;
    public const int Application14 = 0xEE;
    public const int Application15 = 0xEF;
    public const int Comment = 0xFE;

    // COR_E_ENDOFSTREAM: what sets the error apart, since its type is sealed.
    private const int EndOfStream = unchecked((int)0x80070026);

    /// <summary>Finds the next marker at or after <paramref name="position"/>, past anything that is none, as libjpeg does, and moves behind it.</summary>
    /// <exception cref="InvalidDataException">The data ends first.</exception>
    public static int FindNext(ReadOnlySpan<byte> data, ref int position) =>
        TryFindNext(data, ref position, out int marker) ? marker : throw Truncated();

    /// <summary>The same; false where the data ends first.</summary>
    public static bool TryFindNext(ReadOnlySpan<byte> data, ref int position, out int marker)
    {
        marker = 0;
        while (marker == 0)
        {
            int skip = data[position..].IndexOf((byte)0xFF);
            int fill = skip < 0 ? -1 : data[(position + skip)..].IndexOfAnyExcept((byte)0xFF);
            if (fill < 0)
            {
                position = data.Length;
                return false;
            }

            // A zero behind it means a data byte 0xFF.
            marker = data[position + skip + fill];
            position += skip + fill + 1;
        }

        return true;
    }

    /// <summary>Whether a marker stands alone, without a segment.</summary>
    public static bool IsAlone(int marker) => marker is Temporary or >= Restart0 and <= EndOfImage;

    /// <summary>Reads the contents of the segment whose length stands at <paramref name="position"/> and moves behind it.</summary>
    /// <param name="data">The file.</param>
    /// <param name="position">Where the length stands.</param>
    /// <param name="isSkipped">Whether it is a segment that may be empty: libjpeg then takes a length that doesn't even count itself.</param>
    /// <exception cref="InvalidDataException">The length is impossible or goes beyond the data.</exception>
    public static ReadOnlySpan<byte> ReadSegment(ReadOnlySpan<byte> data, ref int position, bool isSkipped = false)
    {
        if (data.Length - position < 2)
        {
            throw Truncated();
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(data[position..]);
        if (length < 2 && !isSkipped)
        {
            throw new InvalidDataException($"A JPEG segment has length {length}; at least 2 is valid.");
        }

        length = Math.Max(length, 2);
        if (data.Length - position < length)
        {
            throw Truncated();
        }

        ReadOnlySpan<byte> segment = data.Slice(position + 2, length - 2);
        position += length;
        return segment;
    }

    /// <summary>The error for data that end before the picture does.</summary>
    public static InvalidDataException Truncated() => new("The JPEG data is truncated: it ends before its picture does.") { HResult = EndOfStream };

    /// <summary>Whether it is that error.</summary>
    public static bool IsTruncation(InvalidDataException e) => e.HResult == EndOfStream;
}
