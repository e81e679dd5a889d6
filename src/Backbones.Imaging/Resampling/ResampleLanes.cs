using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Imaging.Resampling;

/// <summary>Four pixels a vector, AVX-512.</summary>
internal readonly unsafe struct ResampleLanes512 : IResampleLanes<Vector512<int>>
{
    public static int Pixels => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Broadcast(int value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LoadPixels(byte* source) => Avx512F.ConvertToVector512Int32(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LoadWeights(int* weights) =>
        Avx512F.PermuteVar16x32(Vector128.Load(weights).ToVector256Unsafe().ToVector512Unsafe(), Vector512.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAdd(Vector512<int> accumulator, Vector512<int> a, Vector512<int> b) => accumulator + a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> SumToBytes(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d)
    {
        var ab = Avx512F.Shuffle4x128(a, b, 0b01_00_01_00) + Avx512F.Shuffle4x128(a, b, 0b11_10_11_10);
        var cd = Avx512F.Shuffle4x128(c, d, 0b01_00_01_00) + Avx512F.Shuffle4x128(c, d, 0b11_10_11_10);
        return ToBytes(Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00) + Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector512<int> value) => ToBytes(value).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> ToBytes(Vector512<int> sums)
    {
        var rounded = (sums + Vector512.Create(1 << (ResampleTable.WeightBits - 1))) >> ResampleTable.WeightBits;
        return Avx512F.ConvertToVector128ByteWithSaturation(Vector512.Max(rounded, Vector512<int>.Zero).AsUInt32());
    }
}

/// <summary>Two pixels a vector, AVX2.</summary>
internal readonly unsafe struct ResampleLanes256 : IResampleLanes<Vector256<int>>
{
    public static int Pixels => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(int value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LoadPixels(byte* source) => Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LoadWeights(int* weights) =>
        Avx2.PermuteVar8x32(Vector128.CreateScalarUnsafe(*(ulong*)weights).AsInt32().ToVector256Unsafe(), Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<int> accumulator, Vector256<int> a, Vector256<int> b) => accumulator + a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> SumToBytes(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        // The pack works within halves, so [a c | b d] comes out in order once the halves are interleaved.
        var ac = Avx2.Permute2x128(a, c, 0x20) + Avx2.Permute2x128(a, c, 0x31);
        var bd = Avx2.Permute2x128(b, d, 0x20) + Avx2.Permute2x128(b, d, 0x31);
        var shorts = Avx2.PackSignedSaturate(Shift(ac), Shift(bd));
        return Sse2.PackUnsignedSaturate(shorts.GetLower(), shorts.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector256<int> value)
    {
        var sums = Shift(value);
        var shorts = Sse2.PackSignedSaturate(sums.GetLower(), sums.GetUpper());
        *(ulong*)target = Sse2.PackUnsignedSaturate(shorts, shorts).AsUInt64().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Shift(Vector256<int> sums) => (sums + Vector256.Create(1 << (ResampleTable.WeightBits - 1))) >> ResampleTable.WeightBits;
}

/// <summary>One pixel a vector, on every processor with vectors of 128 bits.</summary>
internal readonly unsafe struct ResampleLanes128 : IResampleLanes<Vector128<int>>
{
    public static int Pixels => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Broadcast(int value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> LoadPixels(byte* source) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)source).AsByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> LoadWeights(int* weights) => Vector128.Create(*weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> accumulator, Vector128<int> a, Vector128<int> b) => accumulator + a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> SumToBytes(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) =>
        Vector128.Narrow(Vector128.Narrow(Clip(a), Clip(b)), Vector128.Narrow(Clip(c), Clip(d)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector128<int> value)
    {
        var shorts = Vector128.Narrow(Clip(value), Vector128<uint>.Zero);
        *(uint*)target = Vector128.Narrow(shorts, shorts).AsUInt32().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Clip(Vector128<int> sums)
    {
        var rounded = (sums + Vector128.Create(1 << (ResampleTable.WeightBits - 1))) >> ResampleTable.WeightBits;
        return Vector128.Min(Vector128.Max(rounded, Vector128<int>.Zero), Vector128.Create(255)).AsUInt32();
    }
}

/// <summary>What <see cref="VectorResampleKernel{TLanes, TVector}"/> needs of a vector of 32-bit lanes, four lanes a pixel.</summary>
internal unsafe interface IResampleLanes<TVector>
{
    /// <summary>Pixels in a vector: 1, 2 or 4.</summary>
    static abstract int Pixels { get; }

    /// <summary>The value in every lane.</summary>
    static abstract TVector Broadcast(int value);

    /// <summary>The bytes of <see cref="Pixels"/> pixels, each widened to a lane.</summary>
    static abstract TVector LoadPixels(byte* source);

    /// <summary><see cref="Pixels"/> weights, each in all four lanes of its pixel.</summary>
    static abstract TVector LoadWeights(int* weights);

    /// <summary>accumulator + a × b.</summary>
    static abstract TVector MultiplyAdd(TVector accumulator, TVector a, TVector b);

    /// <summary>Adds up the pixels of each argument to one and brings the four results to bytes.</summary>
    static abstract Vector128<byte> SumToBytes(TVector a, TVector b, TVector c, TVector d);

    /// <summary>Brings each lane to a byte and writes them.</summary>
    static abstract void StoreBytes(byte* target, TVector value);
}
