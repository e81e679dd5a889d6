using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>Steps of JPEG decoding value by value, after ITU-T T.81 and libjpeg's integer arithmetic.</summary>
internal static unsafe class PlainJpeg
{
    /// <summary>
    /// The inverse DCT of Loeffler, Ligtenberg and Moschytz in 13-bit fixed point; sums and the first pass's results have 16 bits. libjpeg-turbo's
    /// vector code only shifts the first row where the others are zero, and loses bits above the 16th.
    /// </summary>
    public static void InverseDct(short* block, short* quantization, byte* output, int stride)
    {
        int[] values = new int[64];
        bool onlyFirstRow = Enumerable.Range(8, 56).All(i => (short)(block[i] * quantization[i]) == 0);
        for (int x = 0; x < 8; x++)
        {
            var column = Enumerable.Range(0, 8).Select(y => (int)(short)(block[(8 * y) + x] * quantization[(8 * y) + x])).ToArray();
            int[] result = onlyFirstRow ? [.. Enumerable.Repeat((int)(short)(column[0] << 2), 8)] : Pass(column, 11);
            for (int y = 0; y < 8; y++)
            {
                values[(8 * y) + x] = result[y];
            }
        }

        for (int y = 0; y < 8; y++)
        {
            int[] result = Pass(values[(8 * y)..((8 * y) + 8)], 18);
            for (int x = 0; x < 8; x++)
            {
                output[(stride * y) + x] = (byte)Math.Clamp(result[x] + 128, 0, 255);
            }
        }
    }

    public static uint ToBgra(int y, int cb, int cr)
    {
        uint r = Clamp(y + (((91881 * (cr - 128)) + 32768) >> 16));
        uint g = Clamp(y + (((-22554 * (cb - 128)) - (46802 * (cr - 128)) + 32768) >> 16));
        uint b = Clamp(y + (((116130 * (cb - 128)) + 32768) >> 16));
        return b | (g << 8) | (r << 16) | 0xFF000000;

        static uint Clamp(int value) => (uint)Math.Clamp(value, 0, 255);
    }

    /// <summary>Reads a block of a sequential scan one symbol, then one value at a time.</summary>
    public static short[] Block(ref JpegBitReader reader, JpegComponent component, ref int dc)
    {
        short[] block = new short[64];
        dc += reader.ReadValue(reader.ReadSymbol(component.DcTable));
        block[0] = (short)dc;
        for (int k = 1; k < 64; k++)
        {
            int symbol = reader.ReadSymbol(component.AcTable), size = symbol & 15;
            if (size == 0 && symbol != 0xF0)
            {
                break;
            }

            k += symbol >> 4;
            if (size != 0)
            {
                block[ZigZag.NaturalOrder[k]] = (short)reader.ReadValue(size);
            }
        }

        return block;
    }

    /// <summary>A table with codes of 2 to 16 bits for any symbols.</summary>
    public static HuffmanTable RandomTable(Random random)
    {
        byte[] counts = [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 30];
        byte[] symbols = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        random.Shuffle(symbols);
        return new HuffmanTable(counts, symbols.AsSpan(0, counts.Sum(c => c)));
    }

    /// <summary>Bytes as entropy-coded data, with a marker behind them.</summary>
    public static byte[] Stuff(byte[] bytes) => [.. bytes.SelectMany(b => b == 0xFF ? new byte[] { b, 0 } : [b]), 0xFF, JpegMarkers.EndOfImage];

    private static int[] Pass(int[] r, int shift)
    {
        int even2 = (r[2] * 4433) + (r[6] * (4433 - 15137)), even3 = (r[2] * (4433 + 6270)) + (r[6] * 4433);
        int sum = (short)(r[0] + r[4]) << 13, difference = (short)(r[0] - r[4]) << 13;
        int[] even = [sum + even3, difference + even2, difference - even2, sum - even3];

        int z3 = (short)(r[7] + r[3]), z4 = (short)(r[5] + r[1]), z5 = (z3 + z4) * 9633;
        z3 = z5 - (z3 * 16069);
        z4 = z5 - (z4 * 3196);
        int z1 = (r[7] + r[1]) * 7373, z2 = (r[5] + r[3]) * 20995;
        int[] odd = [(r[1] * 12299) - z1 + z4, (r[3] * 25172) - z2 + z3, (r[5] * 16819) - z2 + z4, (r[7] * 2446) - z1 + z3];

        int[] result = new int[8];
        for (int i = 0; i < 4; i++)
        {
            result[i] = Descale(even[i] + odd[i]);
            result[7 - i] = Descale(even[i] - odd[i]);
        }

        return result;

        int Descale(int value) => Math.Clamp((value + (1 << (shift - 1))) >> shift, short.MinValue, short.MaxValue);
    }
}
