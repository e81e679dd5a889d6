using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// Bits of the entropy-coded data between markers. Where a segment ends too early it goes on with zeros, and where markers are
/// missing or wrong it resynchronises, both as libjpeg does, so that slightly damaged files give the pixels that they give there.
/// </summary>
internal ref struct JpegBitReader
{
    private readonly ReadOnlySpan<byte> _data;
    private int _position;
    private int _marker;
    private int _zeros;
    private int _nextRestart;

    /// <summary>Goes on where <paramref name="state"/> says.</summary>
    public JpegBitReader(ReadOnlySpan<byte> data, JpegBitState state)
    {
        _data = data;
        (Buffer, Count, _position, _marker, OutOfData, _zeros, _nextRestart) = state;
    }

    /// <summary>The next bits, the first of them in the highest place.</summary>
    public ulong Buffer;

    /// <summary>How many bits of <see cref="Buffer"/> may be used.</summary>
    public int Count;

    /// <summary>The segment ended before its blocks did: the remaining ones stay as they are until the next restart.</summary>
    public bool OutOfData { get; private set; }

    /// <summary>Where reading stands.</summary>
    public readonly JpegBitState State => new(Buffer, Count, _position, _marker, OutOfData, _zeros, _nextRestart);

    /// <summary>Makes at least 33 bits available: the longest code (17 with the bit that libjpeg reads in vain) and 16 bits of value.</summary>
    public void Refill()
    {
        if (_marker == 0 && _position <= _data.Length - 8)
        {
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(_data[_position..]);
            if ((next & (~next - 0x0101010101010101UL) & 0x8080808080808080UL) == 0)
            {
                // No byte is 0xFF: take as many as fit. The bits of the first that doesn't fit are read again by the next call.
                Buffer |= next >> Count;
                _position += (63 - Count) >> 3;
                Count |= 56;
                return;
            }
        }

        RefillByByte();
    }

    /// <summary>Reads up to 16 bits.</summary>
    public int ReadBits(int count)
    {
        if (count == 0)
        {
            return 0;
        }

        if (Count < count)
        {
            Refill();
        }

        int bits = (int)(Buffer >> (64 - count));
        Buffer <<= count;
        Count -= count;
        return bits;
    }

    /// <summary>Reads a symbol.</summary>
    public int ReadSymbol(HuffmanTable table)
    {
        if (Count < 33)
        {
            Refill();
        }

        int entry = table.Lookup[Buffer >> (64 - HuffmanTable.LookupBits)];
        if (entry == 0)
        {
            entry = table.FindLong((int)(Buffer >> 48));
        }

        Buffer <<= entry >> 8;
        Count -= entry >> 8;
        return entry & 0xFF;
    }

    /// <summary>Reads the bits of a value (T.81, figure F.12): those that begin with 0 are negative.</summary>
    public int ReadValue(int size)
    {
        int raw = ReadBits(size);
        return size == 0 || raw >= 1 << (size - 1) ? raw : raw - (1 << size) + 1;
    }

    /// <summary>To be called after each MCU: notes whether it has used bits that weren't there.</summary>
    public void EndMcu()
    {
        if (Count < _zeros)
        {
            if (_marker == 0)
            {
                throw new InvalidDataException("The JPEG data is truncated: it ends within the picture.");
            }

            OutOfData = true;
        }
    }

    /// <summary>Skips to after the next restart marker.</summary>
    public void Restart()
    {
        Buffer = 0;
        Count = 0;
        _zeros = 0;
        if (_marker == 0)
        {
            _marker = JpegMarkers.FindNext(_data, ref _position);
        }

        if (_marker == JpegMarkers.Restart0 + _nextRestart)
        {
            _marker = 0;
        }
        else
        {
            Resynchronize();
        }

        _nextRestart = (_nextRestart + 1) & 7;
        if (_marker == 0)
        {
            OutOfData = false;
        }
    }

    private void RefillByByte()
    {
        while (Count <= 56)
        {
            if (_marker == 0 && _position < _data.Length)
            {
                int value = _data[_position++];
                if (value == 0xFF && !TryReadStuffed(out value))
                {
                    continue;
                }

                Buffer |= (ulong)value << (56 - Count);
                Count += 8;
            }
            else
            {
                _zeros = Count < _zeros ? 64 : _zeros + 64 - Count;
                Count = 64;
            }
        }
    }

    /// <summary>After an 0xFF: a zero means the data byte 0xFF, anything else is a marker.</summary>
    private bool TryReadStuffed(out int value)
    {
        value = 0xFF;
        while (_position < _data.Length)
        {
            int next = _data[_position++];
            if (next == 0)
            {
                return true;
            }

            if (next != 0xFF)
            {
                _marker = next;
                return false;
            }
        }

        return false;
    }

    private void Resynchronize()
    {
        while (true)
        {
            int ahead = (_marker - JpegMarkers.Restart0 - _nextRestart) & 7;
            bool isRestart = _marker is >= JpegMarkers.Restart0 and <= JpegMarkers.Restart0 + 7;
            if (_marker < JpegMarkers.FirstFrame || (isRestart && ahead is 6 or 7))
            {
                // Nonsense or one of the two restarts before: look for a later one.
                _marker = JpegMarkers.FindNext(_data, ref _position);
            }
            else
            {
                // One of the two restarts after or another marker: leave it, the missing segment is empty. Any other restart: go on behind it.
                if (isRestart && ahead is not (1 or 2))
                {
                    _marker = 0;
                }

                return;
            }
        }
    }
}
