using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// The inverse DCT in 13-bit fixed point after Loeffler, Ligtenberg and Moschytz (1989), with the constants and roundings of libjpeg's
/// "islow", so that samples are the same bit for bit. Eight columns, then eight rows, are transformed side by side in 32-bit lanes.
/// </summary>
/// <remarks>
/// Sums and results of the first pass are 16 bits wide, as in libjpeg-turbo's vector code; only coefficients that no encoder makes are wider.
/// Results saturate, but where all rows below the first are zero they go round: libjpeg-turbo only shifts the first row then.
/// </remarks>
internal static unsafe class InverseDct
{
    public const int ConstantBits = 13;
    public const byte FirstShift = ConstantBits - FirstPassBits;
    public const byte SecondShift = ConstantBits + FirstPassBits + 3;
    public const int FirstPassBits = 2;

    /// <summary>Dequantizes and transforms a block.</summary>
    /// <param name="block">64 coefficients in natural order.</param>
    /// <param name="quantization">64 divisors in natural order.</param>
    /// <param name="output">The block's first sample.</param>
    /// <param name="stride">Samples between rows.</param>
    public static void Transform(short* block, short* quantization, byte* output, int stride)
    {
        if (Avx2.IsSupported)
        {
            InverseDctAvx2.Transform(block, quantization, output, stride);
        }
        else
        {
            TransformPortably(block, quantization, output, stride);
        }
    }

    /// <summary><see cref="Transform"/> on any processor.</summary>
    public static void TransformPortably(short* block, short* quantization, byte* output, int stride)
    {
        Vector256<int> r0 = Dequantize(block, quantization, 0), r1 = Dequantize(block, quantization, 1);
        Vector256<int> r2 = Dequantize(block, quantization, 2), r3 = Dequantize(block, quantization, 3);
        Vector256<int> r4 = Dequantize(block, quantization, 4), r5 = Dequantize(block, quantization, 5);
        Vector256<int> r6 = Dequantize(block, quantization, 6), r7 = Dequantize(block, quantization, 7);

        Vector256<int> wrapped = Wrap(r0 << FirstPassBits) >> FirstPassBits;
        if (wrapped != r0 && (r1 | r2 | r3 | r4 | r5 | r6 | r7) == Vector256<int>.Zero)
        {
            r0 = wrapped;
        }

        Pass(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7, FirstShift);
        Transpose(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);
        Pass(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7, SecondShift);
        Transpose(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);

        Store(r0, r1, output, stride);
        Store(r2, r3, output + (2 * stride), stride);
        Store(r4, r5, output + (4 * stride), stride);
        Store(r6, r7, output + (6 * stride), stride);
    }

    /// <summary>The same for a block whose coefficients other than the first are zero: all samples are equal.</summary>
    public static void TransformDc(int dc, int quantization, byte* output, int stride)
    {
        int sample = ((short)((dc * quantization) << FirstPassBits) + (1 << (FirstPassBits + 2))) >> (FirstPassBits + 3);
        ulong eight = (ulong)Math.Clamp(sample + 128, 0, 255) * 0x0101010101010101UL;
        for (int y = 0; y < 8; y++)
        {
            Unsafe.WriteUnaligned(output + (y * stride), eight);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Dequantize(short* block, short* quantization, int row) =>
        Vector256.WidenLower((Vector128.Load(block + (8 * row)) * Vector128.Load(quantization + (8 * row))).ToVector256Unsafe());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pass(
        ref Vector256<int> r0, ref Vector256<int> r1, ref Vector256<int> r2, ref Vector256<int> r3,
        ref Vector256<int> r4, ref Vector256<int> r5, ref Vector256<int> r6, ref Vector256<int> r7, int shift)
    {
        // Even rows.
        Vector256<int> rotated = (r2 + r6) * 4433;
        Vector256<int> even2 = rotated - (r6 * 15137), even3 = rotated + (r2 * 6270);
        Vector256<int> rounding = Vector256.Create(1 << (shift - 1));
        Vector256<int> sum = (Wrap(r0 + r4) << ConstantBits) + rounding, difference = (Wrap(r0 - r4) << ConstantBits) + rounding;
        Vector256<int> a0 = sum + even3, a3 = sum - even3, a1 = difference + even2, a2 = difference - even2;

        // Odd rows.
        Vector256<int> z3 = Wrap(r7 + r3), z4 = Wrap(r5 + r1);
        Vector256<int> z5 = (z3 + z4) * 9633;
        z3 = z5 - (z3 * 16069);
        z4 = z5 - (z4 * 3196);
        Vector256<int> z1 = (r7 + r1) * 7373, z2 = (r5 + r3) * 20995;
        Vector256<int> b0 = (r7 * 2446) - z1 + z3, b1 = (r5 * 16819) - z2 + z4;
        Vector256<int> b2 = (r3 * 25172) - z2 + z3, b3 = (r1 * 12299) - z1 + z4;

        r0 = Saturate((a0 + b3) >> shift);
        r7 = Saturate((a0 - b3) >> shift);
        r1 = Saturate((a1 + b2) >> shift);
        r6 = Saturate((a1 - b2) >> shift);
        r2 = Saturate((a2 + b1) >> shift);
        r5 = Saturate((a2 - b1) >> shift);
        r3 = Saturate((a3 + b0) >> shift);
        r4 = Saturate((a3 - b0) >> shift);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Wrap(Vector256<int> value) => (value << 16) >> 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Saturate(Vector256<int> value) =>
        Vector256.Min(Vector256.Max(value, Vector256.Create((int)short.MinValue)), Vector256.Create((int)short.MaxValue));

    private static void Transpose(
        ref Vector256<int> r0, ref Vector256<int> r1, ref Vector256<int> r2, ref Vector256<int> r3,
        ref Vector256<int> r4, ref Vector256<int> r5, ref Vector256<int> r6, ref Vector256<int> r7)
    {
        int* rows = stackalloc int[64];
        r0.Store(rows);
        r1.Store(rows + 8);
        r2.Store(rows + 16);
        r3.Store(rows + 24);
        r4.Store(rows + 32);
        r5.Store(rows + 40);
        r6.Store(rows + 48);
        r7.Store(rows + 56);
        r0 = Column(rows, 0);
        r1 = Column(rows, 1);
        r2 = Column(rows, 2);
        r3 = Column(rows, 3);
        r4 = Column(rows, 4);
        r5 = Column(rows, 5);
        r6 = Column(rows, 6);
        r7 = Column(rows, 7);

        static Vector256<int> Column(int* rows, int x) => Vector256.Create(
            rows[x], rows[x + 8], rows[x + 16], rows[x + 24], rows[x + 32], rows[x + 40], rows[x + 48], rows[x + 56]);
    }

    /// <summary>Shifts two rows to 0…255, clamps and stores them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<int> upper, Vector256<int> lower, byte* output, int stride)
    {
        Vector256<int> centre = Vector256.Create(128), zero = Vector256<int>.Zero, highest = Vector256.Create(255);
        upper = Vector256.Min(Vector256.Max(upper + centre, zero), highest);
        lower = Vector256.Min(Vector256.Max(lower + centre, zero), highest);
        Vector256<ushort> both = Vector256.Narrow(upper.AsUInt32(), lower.AsUInt32());
        Vector128<byte> bytes = Vector128.Narrow(both.GetLower(), both.GetUpper());
        Unsafe.WriteUnaligned(output, bytes.AsUInt64().ToScalar());
        Unsafe.WriteUnaligned(output + stride, bytes.AsUInt64().GetElement(1));
    }
}
