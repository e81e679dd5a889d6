using System.Runtime.CompilerServices;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Entropy decoding of one block of a sequential scan: DC and all AC coefficients at once.</summary>
/// <remarks>
/// Bits are refilled at every step, with the look-up of those that are there already under way: measured a tenth faster than to ask first
/// whether they are needed, which processors guess badly. A refill gives 56 bits, a symbol and its value take up to 33: what is left is
/// enough for a look-up. Two symbols a look-up are a sixth faster than one.
/// </remarks>
internal static unsafe class SequentialBlock
{
    /// <summary>A block and one more place, for what is behind its end.</summary>
    public const int BlockLength = 64 + 1;

    /// <summary>Decodes a block.</summary>
    /// <param name="reader">The scan's bits.</param>
    /// <param name="component">Whose tables and DC value are used.</param>
    /// <param name="block"><see cref="BlockLength"/> zeros, of which the first 64 become the coefficients, in natural order, not dequantized.</param>
    /// <returns>Whether anything but the DC value may be other than zero.</returns>
    public static bool Decode(ref JpegBitReader reader, JpegComponent component, short* block)
    {
        ulong buffer = reader.Buffer;
        int count = reader.Count, position = reader.Position;
        block[0] = (short)DecodeDc(ref reader, component, ref buffer, ref count, ref position);

        HuffmanTable table = component.AcTable;
        fixed (AcSymbols* lookup = table.AcSymbols)
        fixed (byte* order = ZigZag.NaturalOrder)
        {
            int k = 0;
            do
            {
                AcSymbols symbols = lookup[buffer >> (64 - HuffmanTable.LookupBits)];
                reader.Refill(ref buffer, ref count, ref position);
                if (symbols.IsNone)
                {
                    int symbol = Symbol(table, ref buffer, ref count);
                    int size = symbol & 15;
                    k += AcSymbols.Advance(symbol);
                    block[order[k]] = size == 0 ? (short)0 : (short)Value(size, ref buffer, ref count);
                    continue;
                }

                k += symbols.FirstAdvance;
                block[order[k]] = symbols.FirstValue;
                if (k >= 63)
                {
                    // A second symbol would be the next block's.
                    buffer <<= symbols.BitsOfFirst;
                    count -= symbols.BitsOfFirst;
                    break;
                }

                k += symbols.SecondAdvance;
                block[order[k]] = symbols.SecondValue;
                buffer <<= symbols.ShiftOfAll;
                count -= symbols.BitsOfAll;
            }
            while (k < 63);

            (reader.Buffer, reader.Count, reader.Position) = (buffer, count, position);
            return k != AcSymbols.EndOfBlock;
        }
    }

    /// <summary>Reads over a block of which only the DC value is of use, for the blocks after it.</summary>
    public static void Skip(ref JpegBitReader reader, JpegComponent component)
    {
        ulong buffer = reader.Buffer;
        int count = reader.Count, position = reader.Position;
        DecodeDc(ref reader, component, ref buffer, ref count, ref position);

        HuffmanTable table = component.AcTable;
        fixed (AcSymbols* lookup = table.AcSymbols)
        {
            int k = 0;
            do
            {
                AcSymbols symbols = lookup[buffer >> (64 - HuffmanTable.LookupBits)];
                reader.Refill(ref buffer, ref count, ref position);
                if (symbols.IsNone)
                {
                    int symbol = Symbol(table, ref buffer, ref count);
                    buffer <<= symbol & 15;
                    count -= symbol & 15;
                    k += AcSymbols.Advance(symbol);
                    continue;
                }

                k += symbols.FirstAdvance;
                if (k >= 63)
                {
                    buffer <<= symbols.BitsOfFirst;
                    count -= symbols.BitsOfFirst;
                    break;
                }

                k += symbols.SecondAdvance;
                buffer <<= symbols.ShiftOfAll;
                count -= symbols.BitsOfAll;
            }
            while (k < 63);
        }

        (reader.Buffer, reader.Count, reader.Position) = (buffer, count, position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int DecodeDc(ref JpegBitReader reader, JpegComponent component, ref ulong buffer, ref int count, ref int position)
    {
        reader.Refill(ref buffer, ref count, ref position);
        int size = Symbol(component.DcTable, ref buffer, ref count);
        if (size != 0)
        {
            component.LastDc += Value(size, ref buffer, ref count);
        }

        return component.LastDc;
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
