using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>The quantization and Huffman tables and the conditioning of arithmetic coding as the segments read so far define them.</summary>
internal sealed class JpegTables
{
    private readonly short[][] _quantization = new short[4][];

    // Made when a scan asks for them: what is wrong in a table that nobody uses is no matter.
    private readonly Lazy<HuffmanTable>?[] _dc = new Lazy<HuffmanTable>?[4];
    private readonly Lazy<HuffmanTable>?[] _ac = new Lazy<HuffmanTable>?[4];

    // By slot, 16 for DC and 16 for AC: L + 16 * U, and Kx. The defaults are those of T.81, F.1.4.4.1.4 and F.1.4.4.2.1.
    private readonly byte[] _conditioning = [.. Enumerable.Repeat<byte>(0x10, 16), .. Enumerable.Repeat<byte>(5, 16)];

    /// <summary>Reads a DQT segment.</summary>
    public void ReadQuantization(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            int index = segment[0] & 15;
            bool wide = segment[0] >> 4 != 0;
            segment = segment[1..];
            int length = wide ? 128 : 64;
            if (index > 3 || segment.Length < length)
            {
                throw new InvalidDataException("The JPEG has an invalid quantization table.");
            }

            var table = new short[64];
            for (int i = 0; i < 64; i++)
            {
                table[ZigZag.NaturalOrder[i]] = wide ? BinaryPrimitives.ReadInt16BigEndian(segment[(2 * i)..]) : segment[i];
            }

            _quantization[index] = table;
            segment = segment[length..];
        }
    }

    /// <summary>Reads a DHT segment.</summary>
    public void ReadHuffman(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            int total = 0;
            for (int length = 1; length <= 16 && length < segment.Length; length++)
            {
                total += segment[length];
            }

            int index = segment[0] & 15, kind = segment[0] >> 4;
            if (segment.Length < 17 || total > 256 || segment.Length < 17 + total || index > 3 || kind > 1)
            {
                throw new InvalidDataException("The JPEG has an invalid Huffman table.");
            }

            byte[] lists = segment[1..(17 + total)].ToArray();
            (kind == 0 ? _dc : _ac)[index] = new Lazy<HuffmanTable>(() => new HuffmanTable(lists.AsSpan(0, 16), lists.AsSpan(16)), isThreadSafe: false);
            segment = segment[(17 + total)..];
        }
    }

    /// <summary>Reads a DAC segment.</summary>
    public void ReadConditioning(ReadOnlySpan<byte> segment)
    {
        for (; segment.Length >= 2; segment = segment[2..])
        {
            (int slot, byte value) = (segment[0], segment[1]);
            if (slot >= _conditioning.Length || (slot < 16 && (value & 15) > value >> 4))
            {
                throw new InvalidDataException($"The JPEG has invalid conditioning for arithmetic coding: {value} in slot {slot}.");
            }

            _conditioning[slot] = value;
        }

        if (!segment.IsEmpty)
        {
            throw new InvalidDataException("A JPEG segment with conditioning for arithmetic coding has a wrong length.");
        }
    }

    /// <summary>The divisors of a component, in natural order.</summary>
    public short[] Quantization(int index) => index <= 3 && _quantization[index] is { } table
        ? table
        : throw new InvalidDataException($"The JPEG uses quantization table {index} without defining it.");

    /// <summary>A DC table.</summary>
    /// <param name="index">Its slot.</param>
    /// <param name="standard">Whether the standard table stands in for one that isn't defined.</param>
    public HuffmanTable Dc(int index, bool standard)
    {
        HuffmanTable table = Find(_dc, index) ?? (standard && index <= 1 ? StandardHuffmanTables.Dc(index) : throw Undefined(index));
        return table.IsValidForDc ? table : throw new InvalidDataException("The JPEG has an invalid Huffman table for DC values.");
    }

    /// <summary>An AC table; the parameters are those of <see cref="Dc"/>.</summary>
    public HuffmanTable Ac(int index, bool standard) =>
        Find(_ac, index) ?? (standard && index <= 1 ? StandardHuffmanTables.Ac(index) : throw Undefined(index));

    /// <summary>Fresh statistics for a slot (0 to 15) of DC values.</summary>
    public ArithmeticTable ArithmeticDc(int index) => new(_conditioning[index] & 15, _conditioning[index] >> 4);

    /// <summary>Fresh statistics for a slot (0 to 15) of AC values.</summary>
    public ArithmeticTable ArithmeticAc(int index) => new(0, _conditioning[16 + index]);

    private static HuffmanTable? Find(Lazy<HuffmanTable>?[] tables, int index) => index <= 3 ? tables[index]?.Value : null;

    private static InvalidDataException Undefined(int index) => new($"The JPEG uses Huffman table {index} without defining it.");
}
