using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Engines.Managed;

/// <summary>16 floats in a 512-bit register.</summary>
internal readonly unsafe struct Float16(Vector512<float> value) : IVector<Float16>
{
    private readonly Vector512<float> _v = value;

    public static int Count => 16;

    public static int TileColumns => 4;

    public static Float16 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Create(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Load(float* source) => new(Vector512.Load(source));

    /// <summary>Sign, exponent and mantissa in their places of a float, times 2¹¹² for the difference of the exponents' biases: right for subnormal numbers too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 LoadHalf(ushort* source)
    {
        Vector512<int> half = Avx512F.IsSupported ? Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source)) : Vector512.Create(Vector256.WidenLower(Vector256.Load((short*)source)), Vector256.WidenUpper(Vector256.Load((short*)source)));
        return new(((Vector512.ShiftLeft(half, 13) & Vector512.Create(LaneCopy.HalfMask)).AsSingle()) * Vector512.Create(LaneCopy.HalfScale));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 LoadFirst(float* source, nint count)
    {
        if (Avx512F.IsSupported)
            return new(Avx512F.MaskLoad(source, Mask(count), Vector512<float>.Zero));
        return new(LaneCopy.Load<Vector512<float>>(source, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Float16 value, float* target, nint count)
    {
        if (Avx512F.IsSupported)
            Avx512F.MaskStore(target, Mask(count), value._v);
        else
            LaneCopy.Store(value._v, target, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Mask(nint count)
        => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create((int)count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float16 value, float* target) => value._v.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 MultiplyAdd(Float16 a, Float16 b, Float16 c) => new(Vector512.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Max(Float16 a, Float16 b) => new(Vector512.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Maximum(Float16 a, Float16 b) => new(Vector512.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Min(Float16 a, Float16 b) => new(Vector512.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Minimum(Float16 a, Float16 b) => new(Vector512.Min(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Abs(Float16 value) => new(Vector512.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Sqrt(Float16 value) => new(Vector512.Sqrt(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Round(Float16 value) => new(Vector512.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Scale2(Float16 value, Float16 n)
        => new(Avx512F.IsSupported ? Avx512F.Scale(value._v, n._v) : (value._v.AsInt32() + Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n._v), 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 CopySign(Float16 magnitude, Float16 sign) => new(Vector512.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 SelectLess(Float16 a, Float16 b, Float16 whenTrue, Float16 otherwise)
        => new(Vector512.ConditionalSelect(Vector512.LessThan(a._v, b._v), whenTrue._v, otherwise._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 Permute(Float16 value, Float16 indices) => new(Vector512.ShuffleNative(value._v, indices._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float16 value) => Vector512.Sum(value._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Float16 value)
    {
        Vector256<float> half = Vector256.Max(value._v.GetLower(), value._v.GetUpper());
        return Float8.MaxLane(new Float8(half));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 operator +(Float16 a, Float16 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 operator -(Float16 a, Float16 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 operator *(Float16 a, Float16 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 operator /(Float16 a, Float16 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float16 operator -(Float16 a) => new(-a._v);
}
