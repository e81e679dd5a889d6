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

    /// <summary>Finds the next marker at or after <paramref name="position"/>, past anything that is none, and moves behind it.</summary>
    /// <exception cref="InvalidDataException">The data ends first.</exception>
    public static int FindNext(ReadOnlySpan<byte> data, ref int position)
    {
        while (true)
        {
            int skip = data[position..].IndexOf((byte)0xFF);
            if (skip < 0)
            {
                position = data.Length;
                throw Truncated();
            }

            position += skip;
            while (position < data.Length && data[position] == 0xFF)
            {
                position++;
            }

            if (position == data.Length)
            {
                throw Truncated();
            }

            int marker = data[position++];
            if (marker != 0)
            {
                return marker;
            }
        }
    }

    /// <summary>Reads the contents of the segment whose length stands at <paramref name="position"/> and moves behind it.</summary>
    /// <exception cref="InvalidDataException">The length is impossible or goes beyond the data.</exception>
    public static ReadOnlySpan<byte> ReadSegment(ReadOnlySpan<byte> data, ref int position)
    {
        if (data.Length - position < 2)
        {
            throw Truncated();
        }

        int length = (data[position] << 8) | data[position + 1];
        if (length < 2)
        {
            throw new InvalidDataException($"A JPEG segment has length {length}; at least 2 is valid.");
        }

        if (data.Length - position < length)
        {
            throw Truncated();
        }

        ReadOnlySpan<byte> segment = data.Slice(position + 2, length - 2);
        position += length;
        return segment;
    }

    /// <summary>The error for data that ends too early.</summary>
    public static InvalidDataException Truncated() => new("The JPEG data is truncated: it ends without an end-of-image marker.");
}
