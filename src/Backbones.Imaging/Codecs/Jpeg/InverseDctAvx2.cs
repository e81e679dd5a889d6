using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// <see cref="InverseDct"/> with AVX2: pairs of 16-bit values are multiplied and added in one instruction, and the block between the
/// passes is packed to 16 bits, which halves the transpositions.
/// </summary>
/// <remarks>A vector named (a|b) holds eight values of row or column a in its lower half and of b in its upper half.</remarks>
internal static unsafe class InverseDctAvx2
{
    /// <summary>Dequantizes and transforms a block; the parameters are those of <see cref="InverseDct.Transform"/>.</summary>
    public static void Transform(short* block, short* quantization, byte* output, int stride)
    {
        Vector128<short> r0 = Dequantize(block, quantization, 0), r1 = Dequantize(block, quantization, 1);
        Vector128<short> r2 = Dequantize(block, quantization, 2), r3 = Dequantize(block, quantization, 3);
        Vector128<short> r4 = Dequantize(block, quantization, 4), r5 = Dequantize(block, quantization, 5);
        Vector128<short> r6 = Dequantize(block, quantization, 6), r7 = Dequantize(block, quantization, 7);

        Vector128<short> wrapped = (r0 << InverseDct.FirstPassBits) >> InverseDct.FirstPassBits;
        if (wrapped != r0 && (r1 | r2 | r3 | r4 | r5 | r6 | r7) == Vector128<short>.Zero)
        {
            r0 = wrapped;
        }

        Pass(r0, r1, r2, r3, r4, r5, r6, r7, InverseDct.FirstShift, out var c04, out var c15, out var c26, out var c37);
        Pass(
            c04.GetLower(), c15.GetLower(), c26.GetLower(), c37.GetLower(), c04.GetUpper(), c15.GetUpper(), c26.GetUpper(), c37.GetUpper(),
            InverseDct.SecondShift, out var s04, out var s15, out var s26, out var s37);

        Vector256<byte> centre = Vector256.Create((byte)128);
        Vector256<byte> rows0145 = Avx2.PackSignedSaturate(s04, s15).AsByte() ^ centre;
        Vector256<byte> rows2367 = Avx2.PackSignedSaturate(s26, s37).AsByte() ^ centre;
        Store(rows0145.GetLower(), output, stride);
        Store(rows2367.GetLower(), output + (2 * stride), stride);
        Store(rows0145.GetUpper(), output + (4 * stride), stride);
        Store(rows2367.GetUpper(), output + (6 * stride), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Dequantize(short* block, short* quantization, int row) =>
        Vector128.Load(block + (8 * row)) * Vector128.Load(quantization + (8 * row));

    /// <summary>Transforms eight columns, given as rows, and transposes: results are columns (0|4), (1|5), (2|6), (3|7).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pass(
        Vector128<short> r0, Vector128<short> r1, Vector128<short> r2, Vector128<short> r3,
        Vector128<short> r4, Vector128<short> r5, Vector128<short> r6, Vector128<short> r7, byte shift,
        out Vector256<short> c04, out Vector256<short> c15, out Vector256<short> c26, out Vector256<short> c37)
    {
        // Even rows.
        Vector256<short> p26 = Interleave(r2, r6);
        Vector256<int> even3 = MultiplyAdd(p26, 4433 + 6270, 4433), even2 = MultiplyAdd(p26, 4433, 4433 - 15137);
        Vector256<int> rounding = Vector256.Create(1 << (shift - 1));
        Vector256<int> sum = (Avx2.ConvertToVector256Int32(r0 + r4) << InverseDct.ConstantBits) + rounding;
        Vector256<int> difference = (Avx2.ConvertToVector256Int32(r0 - r4) << InverseDct.ConstantBits) + rounding;
        Vector256<int> a0 = sum + even3, a3 = sum - even3, a1 = difference + even2, a2 = difference - even2;

        // Odd rows.
        Vector256<short> p34 = Interleave(r7 + r3, r5 + r1), p71 = Interleave(r7, r1), p53 = Interleave(r5, r3);
        Vector256<int> z3 = MultiplyAdd(p34, 9633 - 16069, 9633), z4 = MultiplyAdd(p34, 9633, 9633 - 3196);
        Vector256<int> b0 = MultiplyAdd(p71, 2446 - 7373, -7373) + z3, b3 = MultiplyAdd(p71, -7373, 12299 - 7373) + z4;
        Vector256<int> b1 = MultiplyAdd(p53, 16819 - 20995, -20995) + z4, b2 = MultiplyAdd(p53, -20995, 25172 - 20995) + z3;

        // Halves of the packed rows are columns 0 to 3 and 4 to 7; so the rows are paired that interleaving brings side by side.
        Vector256<short> r04 = Avx2.PackSignedSaturate((a0 + b3) >> shift, (a3 - b0) >> shift);
        Vector256<short> r15 = Avx2.PackSignedSaturate((a1 + b2) >> shift, (a2 - b1) >> shift);
        Vector256<short> r26 = Avx2.PackSignedSaturate((a2 + b1) >> shift, (a1 - b2) >> shift);
        Vector256<short> r37 = Avx2.PackSignedSaturate((a3 + b0) >> shift, (a0 - b3) >> shift);
        Vector256<int> r01 = Avx2.UnpackLow(r04, r15).AsInt32(), r45 = Avx2.UnpackHigh(r04, r15).AsInt32();
        Vector256<int> r23 = Avx2.UnpackLow(r26, r37).AsInt32(), r67 = Avx2.UnpackHigh(r26, r37).AsInt32();
        Vector256<long> upper01 = Avx2.UnpackLow(r01, r23).AsInt64(), upper23 = Avx2.UnpackHigh(r01, r23).AsInt64();
        Vector256<long> lower01 = Avx2.UnpackLow(r45, r67).AsInt64(), lower23 = Avx2.UnpackHigh(r45, r67).AsInt64();
        c04 = Avx2.UnpackLow(upper01, lower01).AsInt16();
        c15 = Avx2.UnpackHigh(upper01, lower01).AsInt16();
        c26 = Avx2.UnpackLow(upper23, lower23).AsInt16();
        c37 = Avx2.UnpackHigh(upper23, lower23).AsInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Interleave(Vector128<short> a, Vector128<short> b) => Vector256.Create(Sse2.UnpackLow(a, b), Sse2.UnpackHigh(a, b));

    /// <summary>a × <paramref name="first"/> + b × <paramref name="second"/> for each pair (a, b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> MultiplyAdd(Vector256<short> pairs, short first, short second) =>
        Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((second << 16) | (ushort)first).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> twoRows, byte* output, int stride)
    {
        Unsafe.WriteUnaligned(output, twoRows.AsUInt64().ToScalar());
        Unsafe.WriteUnaligned(output + stride, twoRows.AsUInt64().GetElement(1));
    }
}
