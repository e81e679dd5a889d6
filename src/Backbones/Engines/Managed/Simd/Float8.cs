using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Engines.Managed;

/// <summary>8 floats in a 256-bit register.</summary>
internal readonly unsafe struct Float8(Vector256<float> value) : IVector<Float8>
{
    private readonly Vector256<float> _v = value;

    public static int Count => 8;

    public static int TileColumns => Avx512F.VL.IsSupported ? 4 : 2;

    public static Float8 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Create(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Load(float* source) => new(Vector256.Load(source));

    /// <summary>Sign, exponent and mantissa in their places of a float, times 2¹¹² for the difference of the exponents' biases: right for subnormal numbers too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 LoadHalf(ushort* source)
    {
        Vector256<int> half = Avx2.IsSupported ? Avx2.ConvertToVector256Int32((short*)source) : Vector256.Create(Vector128.WidenLower(Vector128.Load((short*)source)), Vector128.WidenUpper(Vector128.Load((short*)source)));
        return new(((Vector256.ShiftLeft(half, 13) & Vector256.Create(LaneCopy.HalfMask)).AsSingle()) * Vector256.Create(LaneCopy.HalfScale));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 LoadFirst(float* source, nint count)
    {
        if (Avx.IsSupported)
            return new(Avx.MaskLoad(source, Mask(count)));
        return new(LaneCopy.Load<Vector256<float>>(source, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Float8 value, float* target, nint count)
    {
        if (Avx.IsSupported)
            Avx.MaskStore(target, Mask(count), value._v);
        else
            LaneCopy.Store(value._v, target, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Mask(nint count)
        => Vector256.LessThan(Vector256<int>.Indices, Vector256.Create((int)count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float8 value, float* target) => value._v.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 MultiplyAdd(Float8 a, Float8 b, Float8 c) => new(Vector256.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Max(Float8 a, Float8 b) => new(Vector256.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Maximum(Float8 a, Float8 b) => new(Vector256.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Min(Float8 a, Float8 b) => new(Vector256.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Minimum(Float8 a, Float8 b) => new(Vector256.Min(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Abs(Float8 value) => new(Vector256.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Sqrt(Float8 value) => new(Vector256.Sqrt(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Round(Float8 value) => new(Vector256.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Scale2(Float8 value, Float8 n)
        => new((value._v.AsInt32() + Vector256.ShiftLeft(Vector256.ConvertToInt32Native(n._v), 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 CopySign(Float8 magnitude, Float8 sign) => new(Vector256.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 SelectLess(Float8 a, Float8 b, Float8 whenTrue, Float8 otherwise)
        => new(Vector256.ConditionalSelect(Vector256.LessThan(a._v, b._v), whenTrue._v, otherwise._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 Permute(Float8 value, Float8 indices) => new(Vector256.ShuffleNative(value._v, indices._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float8 value) => Vector256.Sum(value._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Float8 value)
    {
        Vector128<float> half = Vector128.Max(value._v.GetLower(), value._v.GetUpper());
        return Float4.MaxLane(new Float4(half));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 operator +(Float8 a, Float8 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 operator -(Float8 a, Float8 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 operator *(Float8 a, Float8 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 operator /(Float8 a, Float8 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float8 operator -(Float8 a) => new(-a._v);
}
