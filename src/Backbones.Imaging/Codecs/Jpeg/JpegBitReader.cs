using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// Bits of a segment of entropy-coded data. Where the segment ends too early it goes on with zeros, as libjpeg does, so that slightly
/// damaged files give the pixels that they give there.
/// </summary>
internal ref struct JpegBitReader
{
    private readonly EntropyData _data;
    private ref byte _bytes;
    private int _length;

    /// <summary>Goes on in the data's segment where <paramref name="state"/> says.</summary>
    public JpegBitReader(EntropyData data, JpegBitState state)
    {
        _data = data;
        (Buffer, Count, Position, OutOfData) = state;
        BeginSegment();
    }

    /// <summary>The next bits, the first of them in the highest place.</summary>
    public ulong Buffer;

    /// <summary>How many bits of <see cref="Buffer"/> may be used.</summary>
    public int Count;

    /// <summary>Where the bytes after those in <see cref="Buffer"/> begin.</summary>
    public int Position;

    /// <summary>The segment ended before its blocks did: the remaining ones stay as they are until the next restart.</summary>
    public bool OutOfData { get; private set; }

    /// <summary>Where reading stands.</summary>
    public readonly JpegBitState State => new(Buffer, Count, Position, OutOfData);

    /// <summary>Makes at least 56 bits available; the longest code (17 with the bit that libjpeg reads in vain) and 16 bits of value take 33.</summary>
    public void Refill() => Refill(ref Buffer, ref Count, ref Position);

    /// <summary>The same for bits that are held in local variables.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Refill(ref ulong buffer, ref int count, ref int position)
    {
        // As many bytes as fit are taken; the bits of the first that doesn't fit are read again by the next call. Behind the padding's first
        // half there are only zeros: reading stays there.
        ulong next = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref _bytes, position));
        buffer |= (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(next) : next) >> count;
        position = Math.Min(position + ((63 - count) >> 3), _length + (EntropyData.Padding / 2));
        count |= 56;
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
        if ((8L * Position) - Count > 8L * _length)
        {
            if (_data.Marker == 0)
            {
                throw JpegMarkers.Truncated();
            }

            OutOfData = true;
        }
    }

    /// <summary>Goes on behind the next restart marker.</summary>
    public void Restart()
    {
        if (_data.Restart())
        {
            OutOfData = false;
        }

        (Buffer, Count, Position) = (0, 0, 0);
        BeginSegment();
    }

    private void BeginSegment()
    {
        _bytes = ref MemoryMarshal.GetReference(_data.Padded);
        _length = _data.Length;
    }
}
