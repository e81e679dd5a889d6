using System.Numerics;
using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// A register of floats. Kernels are written once over <typeparamref name="T"/>; the JIT compiles them for each width,
/// with <see cref="Count"/> and the other properties as constants, so branches on them cost nothing.
/// </summary>
internal unsafe interface IVector<T> :
    IAdditionOperators<T, T, T>, ISubtractionOperators<T, T, T>, IMultiplyOperators<T, T, T>, IDivisionOperators<T, T, T>, IUnaryNegationOperators<T, T>
    where T : struct, IVector<T>
{
    /// <summary>Floats in the register.</summary>
    static abstract int Count { get; }

    /// <summary>Registers side by side in a GEMM tile: with 6 rows, 24 accumulators where there are 32 registers, 12 where there are 16.</summary>
    static abstract int TileColumns { get; }

    static abstract T Zero { get; }

    static abstract T Create(float value);

    static abstract T Load(float* source);

    /// <summary><see cref="Count"/> finite numbers of 16 bits, widened.</summary>
    static abstract T LoadHalf(ushort* source);

    /// <summary>The first <paramref name="count"/> floats (1 to <see cref="Count"/>), zero in the other lanes; reads nothing beyond.</summary>
    static abstract T LoadFirst(float* source, nint count);

    static abstract void Store(T value, float* target);

    /// <summary>Stores the first <paramref name="count"/> lanes (1 to <see cref="Count"/>) and nothing beyond.</summary>
    static abstract void StoreFirst(T value, float* target, nint count);

    /// <summary>a · b + c, in one rounding where the machine can.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>The larger of both; <paramref name="b"/> where either is NaN on x86.</summary>
    static abstract T Max(T a, T b);

    /// <summary>The smaller of both; <paramref name="b"/> where either is NaN on x86.</summary>
    static abstract T Min(T a, T b);

    /// <summary>The larger of both; NaN where either is.</summary>
    static abstract T Maximum(T a, T b);

    /// <summary>The smaller of both; NaN where either is.</summary>
    static abstract T Minimum(T a, T b);

    static abstract T Abs(T value);

    static abstract T Sqrt(T value);

    /// <summary>Rounds to the nearest integer, ties to even.</summary>
    static abstract T Round(T value);

    /// <summary>value · 2^n for an integral n with a normal result.</summary>
    static abstract T Scale2(T value, T n);

    /// <summary>The magnitude of the first argument with the sign of the second.</summary>
    static abstract T CopySign(T magnitude, T sign);

    /// <summary><paramref name="whenTrue"/> in the lanes where a &lt; b, else <paramref name="otherwise"/>.</summary>
    static abstract T SelectLess(T a, T b, T whenTrue, T otherwise);

    /// <summary>Lane i of the result is that lane of the value whose number the bits of indices' lane i are.</summary>
    static abstract T Permute(T value, T indices);

    static abstract float Sum(T value);

    static abstract float MaxLane(T value);
}

/// <summary>Partial loads and stores for machines without masked ones.</summary>
internal static unsafe class LaneCopy
{
    /// <summary>A float's bits that 16 bits have: the sign, and what lies 13 places further on.</summary>
    public const int HalfMask = unchecked((int)0x8FFFE000);

    /// <summary>2¹¹²: what a float's exponent is biased more than that of 16 bits.</summary>
    public const float HalfScale = 5192296858534827628530496329220096f;

    public static T Load<T>(float* source, nint count) where T : unmanaged
    {
        T value = default;
        float* lanes = (float*)&value;
        for (nint i = 0; i < count; i++)
            lanes[i] = source[i];
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store<T>(T value, float* target, nint count) where T : unmanaged
    {
        float* lanes = (float*)&value;
        for (nint i = 0; i < count; i++)
            target[i] = lanes[i];
    }
}
