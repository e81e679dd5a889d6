using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Engines.Managed;

/// <summary>4 floats in a 128-bit register.</summary>
internal readonly unsafe struct Float4(Vector128<float> value) : IVector<Float4>
{
    private readonly Vector128<float> _v = value;

    public static int Count => 4;

    public static int TileColumns => Avx512F.VL.IsSupported || AdvSimd.Arm64.IsSupported ? 4 : 2;

    public static Float4 Zero => new(Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Create(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load(float* source) => new(Vector128.Load(source));

    /// <summary>Sign, exponent and mantissa in their places of a float, times 2¹¹² for the difference of the exponents' biases: right for subnormal numbers too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 LoadHalf(ushort* source)
    {
        Vector128<int> half = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsInt16());
        return new(((Vector128.ShiftLeft(half, 13) & Vector128.Create(LaneCopy.HalfMask)).AsSingle()) * Vector128.Create(LaneCopy.HalfScale));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 LoadFirst(float* source, nint count)
    {
        if (Avx.IsSupported)
            return new(Avx.MaskLoad(source, Mask(count)));
        return new(LaneCopy.Load<Vector128<float>>(source, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Float4 value, float* target, nint count)
    {
        if (Avx.IsSupported)
            Avx.MaskStore(target, Mask(count), value._v);
        else
            LaneCopy.Store(value._v, target, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Mask(nint count)
        => Vector128.LessThan(Vector128<int>.Indices, Vector128.Create((int)count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float4 value, float* target) => value._v.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 MultiplyAdd(Float4 a, Float4 b, Float4 c) => new(Vector128.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Max(Float4 a, Float4 b) => new(Vector128.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Maximum(Float4 a, Float4 b) => new(Vector128.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Min(Float4 a, Float4 b) => new(Vector128.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Minimum(Float4 a, Float4 b) => new(Vector128.Min(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Abs(Float4 value) => new(Vector128.Abs(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Sqrt(Float4 value) => new(Vector128.Sqrt(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Round(Float4 value) => new(Vector128.Round(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Scale2(Float4 value, Float4 n)
        => new((value._v.AsInt32() + Vector128.ShiftLeft(Vector128.ConvertToInt32Native(n._v), 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 CopySign(Float4 magnitude, Float4 sign) => new(Vector128.CopySign(magnitude._v, sign._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 SelectLess(Float4 a, Float4 b, Float4 whenTrue, Float4 otherwise)
        => new(Vector128.ConditionalSelect(Vector128.LessThan(a._v, b._v), whenTrue._v, otherwise._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Permute(Float4 value, Float4 indices) => new(Vector128.ShuffleNative(value._v, indices._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float4 value) => Vector128.Sum(value._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Float4 value)
    {
        Vector128<float> v = Vector128.Max(value._v, Vector128.Shuffle(value._v, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(v[0], v[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 operator +(Float4 a, Float4 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 operator -(Float4 a, Float4 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 operator *(Float4 a, Float4 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 operator /(Float4 a, Float4 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 operator -(Float4 a) => new(-a._v);
}
