using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>The quantization and Huffman tables as the segments read so far define them.</summary>
internal sealed class JpegTables
{
    private readonly short[][] _quantization = new short[4][];
    private readonly HuffmanTable[] _dc = new HuffmanTable[4];
    private readonly HuffmanTable[] _ac = new HuffmanTable[4];

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

            (kind == 0 ? _dc : _ac)[index] = new HuffmanTable(segment.Slice(1, 16), segment.Slice(17, total));
            segment = segment[(17 + total)..];
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
        HuffmanTable table = Find(_dc, index) ?? (standard && index <= 1 ? _dc[index] = StandardHuffmanTables.Dc(index) : throw Undefined(index));
        return table.IsValidForDc ? table : throw new InvalidDataException("The JPEG has an invalid Huffman table for DC values.");
    }

    /// <summary>An AC table; the parameters are those of <see cref="Dc"/>.</summary>
    public HuffmanTable Ac(int index, bool standard) =>
        Find(_ac, index) ?? (standard && index <= 1 ? _ac[index] = StandardHuffmanTables.Ac(index) : throw Undefined(index));

    private static HuffmanTable? Find(HuffmanTable[] tables, int index) => index <= 3 ? tables[index] : null;

    private static InvalidDataException Undefined(int index) => new($"The JPEG uses Huffman table {index} without defining it.");
}
