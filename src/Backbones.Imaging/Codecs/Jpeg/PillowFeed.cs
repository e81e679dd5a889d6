namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// What Pillow has given to libjpeg when a picture of one Huffman-coded scan has its last row, which decides whether a file that lacks its end
/// is whole. Pillow hands over 64 KiB at a time, and more only when rows are missing. libjpeg reads ahead into 64 bits, and gives up an MCU
/// until there is more where a byte of those is missing, whether it needs it or not: so something has to follow the last row, at most 8 bytes.
/// </summary>
/// <remarks>
/// How far was read ahead depends on all reads before, so they are gone through again, without making samples of them. Only files that end
/// with their last row take this way, and those whose last row ends with a block of 64 KiB.
/// </remarks>
internal ref struct PillowFeed
{
    private const int Block = 64 << 10;
    private const int ReadAhead = 8;

    // Where libjpeg has this many bytes for each block of an MCU it reads 48 bits at a time, else up to 64.
    private const int BytesForFastBlock = 512;

    private readonly ReadOnlySpan<byte> _file;
    private int _end;
    private Place _place;
    private bool _fast;
    private bool _reachedMarker;

    private PillowFeed(ReadOnlySpan<byte> file, int position)
    {
        _file = file;
        _place = new Place(position, 0);
        _end = BlockEnd(file.Length, position);
    }

    /// <summary>Finds where the bytes end that Pillow has handed over when it has all rows.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="data">The scan's last segment.</param>
    /// <param name="used">Bytes of it that the rows took, the last one perhaps in part.</param>
    /// <param name="scan">The scan.</param>
    /// <param name="mcus">MCUs that the segment holds.</param>
    /// <param name="canBeFast">Whether the scan has no restart markers, which are only looked for at the slow pace.</param>
    /// <exception cref="InvalidDataException">So little follows the last row that Pillow doesn't get it.</exception>
    public static int End(ReadOnlySpan<byte> file, EntropyData data, int used, JpegScan scan, int mcus, bool canBeFast)
    {
        // The bytes used, in the file: there each data byte 0xFF has a zero behind it.
        int position = data.Start;
        for (int i = 0; i < used && position < file.Length; i++)
        {
            position += file[position] == 0xFF ? 2 : 1;
        }

        int end = BlockEnd(file.Length, position);
        bool mayLack = data.Marker == 0 && data.Length - used < ReadAhead;
        bool mayReadOn = end < file.Length && end - position < 2 * ReadAhead;
        if (!mayLack && !mayReadOn)
        {
            return end;
        }

        var feed = new PillowFeed(file, data.Start);
        feed.Read(data, scan, mcus, canBeFast);
        return feed._end;
    }

    private static int BlockEnd(int length, int position) => (int)Math.Min(length, ((long)position + Block - 1) / Block * Block);

    private void Read(EntropyData data, JpegScan scan, int mcus, bool canBeFast)
    {
        int blocks = scan.Components.Sum(component => component.Horizontal * component.Vertical);
        var reader = new JpegBitReader(data, default);
        for (int mcu = 0; mcu < mcus && !_reachedMarker; mcu++)
        {
            JpegBitReader start = reader;
            Place place = _place;
            _fast = canBeFast && _end - place.Position >= BytesForFastBlock * blocks;
            while (!ReadMcu(ref reader, scan))
            {
                reader = start;
                _place = place;
                if (_fast)
                {
                    _fast = false;
                }
                else if (_end < _file.Length)
                {
                    _end = BlockEnd(_file.Length, _end + 1);
                    _fast = canBeFast && _end - place.Position >= BytesForFastBlock * blocks;
                }
                else
                {
                    throw JpegMarkers.Truncated();
                }
            }
        }
    }

    private bool ReadMcu(ref JpegBitReader reader, JpegScan scan)
    {
        foreach (JpegComponent component in scan.Components)
        {
            for (int i = component.Vertical * component.Horizontal; i > 0; i--)
            {
                if (!ReadBlock(ref reader, component))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool ReadBlock(ref JpegBitReader reader, JpegComponent component)
    {
        if (!ReadSymbol(ref reader, component.DcTable, out int size) || !ReadValue(ref reader, size))
        {
            return false;
        }

        for (int k = 1; k < 64; k++)
        {
            if (!ReadSymbol(ref reader, component.AcTable, out int symbol) || !ReadValue(ref reader, symbol & 15))
            {
                return false;
            }

            int advance = AcSymbols.Advance(symbol);
            k += advance - 1;
        }

        return true;
    }

    private bool ReadSymbol(ref JpegBitReader reader, HuffmanTable table, out int symbol)
    {
        const int Lookahead = 8;
        long before = Consumed(reader);
        symbol = reader.ReadSymbol(table);
        int length = (int)(Consumed(reader) - before);
        if (_fast)
        {
            return Ask(0) && Take(length);
        }

        // Long codes are looked for with one bit more each time.
        if (!Ask(Lookahead) || (length > Lookahead && !Ask(Lookahead + 1)))
        {
            return false;
        }

        Take(Math.Min(length, Lookahead + 1));
        for (int i = Lookahead + 1; i < length; i++)
        {
            if (!Ask(1))
            {
                return false;
            }

            Take(1);
        }

        return true;
    }

    private bool ReadValue(ref JpegBitReader reader, int size)
    {
        reader.ReadBits(size);
        return size == 0 || (Ask(size) && Take(size));
    }

    private static long Consumed(in JpegBitReader reader) => (8L * reader.Position) - reader.Count;

    private bool Take(int bits)
    {
        _place = _place with { Bits = _place.Bits - bits };
        return true;
    }

    /// <summary>Reads ahead where libjpeg does before it takes some bits.</summary>
    /// <returns>False where it gives up.</returns>
    private bool Ask(int bits)
    {
        if (_fast)
        {
            for (int i = 0, count = _place.Bits <= 16 ? 6 : 0; i < count; i++)
            {
                if (!ReadByte())
                {
                    return false;
                }
            }

            return true;
        }

        bool asks = _place.Bits < bits;
        while (asks && _place.Bits <= 64 - 8 && !_reachedMarker)
        {
            if (!ReadByte())
            {
                return false;
            }
        }

        return true;
    }

    private bool ReadByte()
    {
        int next = _place.Position;
        if (next >= _end)
        {
            return false;
        }

        if (_file[next++] == 0xFF)
        {
            // The fast pace knows a zero behind it, the slow one also fill bytes before the zero.
            while (next < _end && _file[next] == 0xFF)
            {
                next++;
            }

            if (next >= _end || (_fast && (next > _place.Position + 1 || _file[next] != 0)))
            {
                return false;
            }

            if (_file[next++] != 0)
            {
                // A marker: what may be missing behind it is taken for zeros.
                _reachedMarker = true;
                return true;
            }
        }

        _place = new Place(next, _place.Bits + 8);
        return true;
    }

    /// <summary>Where reading stands.</summary>
    /// <param name="Position">The next byte of the file.</param>
    /// <param name="Bits">Bits that were read ahead.</param>
    private readonly record struct Place(int Position, int Bits);
}
