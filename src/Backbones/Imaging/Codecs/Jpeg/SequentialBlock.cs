using System.Runtime.CompilerServices;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Entropy decoding of one block of a sequential scan: DC and all AC coefficients at once.</summary>
internal static unsafe class SequentialBlock
{
    /// <summary>Decodes a block.</summary>
    /// <param name="reader">The scan's bits.</param>
    /// <param name="component">Whose tables and DC value are used.</param>
    /// <param name="block">64 zeros that become the coefficients, in natural order, not dequantized.</param>
    /// <returns>The coded index of the last coefficient that isn't zero (0: at most the DC value).</returns>
    public static int Decode(ref JpegBitReader reader, JpegComponent component, short* block)
    {
        ulong buffer = reader.Buffer;
        int count = reader.Count;
        if (count < 33)
        {
            Refill(ref reader, ref buffer, ref count);
        }

        int symbol = Symbol(component.DcTable, ref buffer, ref count);
        if (symbol != 0)
        {
            component.LastDc += Value(symbol, ref buffer, ref count);
        }

        block[0] = (short)component.LastDc;

        HuffmanTable table = component.AcTable;
        fixed (int* values = table.Values)
        fixed (byte* order = ZigZag.NaturalOrder)
        {
            int last = 0;
            for (int k = 1; k < 64; k++)
            {
                if (count < 33)
                {
                    Refill(ref reader, ref buffer, ref count);
                }

                int entry = values[buffer >> (64 - HuffmanTable.LookupBits)];
                if (entry != 0)
                {
                    k += (entry >> 8) & 15;
                    buffer <<= entry & 15;
                    count -= entry & 15;
                    block[order[k]] = (short)(entry >> 16);
                    last = k;
                    continue;
                }

                symbol = Symbol(table, ref buffer, ref count);
                k += symbol >> 4;
                int size = symbol & 15;
                if (size != 0)
                {
                    block[order[k]] = (short)Value(size, ref buffer, ref count);
                    last = k;
                }
                else if (symbol != 0xF0)
                {
                    break;
                }
            }

            reader.Buffer = buffer;
            reader.Count = count;
            return last;
        }
    }

    /// <summary>Reads over a block of which only the DC value is of use, for the blocks after it.</summary>
    public static void Skip(ref JpegBitReader reader, JpegComponent component)
    {
        ulong buffer = reader.Buffer;
        int count = reader.Count;
        if (count < 33)
        {
            Refill(ref reader, ref buffer, ref count);
        }

        int symbol = Symbol(component.DcTable, ref buffer, ref count);
        if (symbol != 0)
        {
            component.LastDc += Value(symbol, ref buffer, ref count);
        }

        HuffmanTable table = component.AcTable;
        fixed (int* values = table.Values)
        {
            for (int k = 1; k < 64; k++)
            {
                if (count < 33)
                {
                    Refill(ref reader, ref buffer, ref count);
                }

                int entry = values[buffer >> (64 - HuffmanTable.LookupBits)];
                if (entry != 0)
                {
                    k += (entry >> 8) & 15;
                    buffer <<= entry & 15;
                    count -= entry & 15;
                    continue;
                }

                symbol = Symbol(table, ref buffer, ref count);
                k += symbol >> 4;
                int size = symbol & 15;
                if (size != 0)
                {
                    buffer <<= size;
                    count -= size;
                }
                else if (symbol != 0xF0)
                {
                    break;
                }
            }

            reader.Buffer = buffer;
            reader.Count = count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Refill(ref JpegBitReader reader, ref ulong buffer, ref int count)
    {
        reader.Buffer = buffer;
        reader.Count = count;
        reader.Refill();
        buffer = reader.Buffer;
        count = reader.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Symbol(HuffmanTable table, ref ulong buffer, ref int count)
    {
        int entry = table.Lookup[buffer >> (64 - HuffmanTable.LookupBits)];
        if (entry == 0)
        {
            entry = table.FindLong((int)(buffer >> 48));
        }

        int length = entry >> 8;
        buffer <<= length;
        count -= length;
        return entry & 0xFF;
    }

    /// <summary>Reads the bits of a value (T.81, figure F.12): those that begin with 0 are negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Value(int size, ref ulong buffer, ref int count)
    {
        int raw = (int)(buffer >> (64 - size));
        int negative = (int)((long)~buffer >> 63);
        buffer <<= size;
        count -= size;
        return raw + (negative & ((-1 << size) + 1));
    }
}
