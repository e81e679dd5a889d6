using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>Sums over contiguous values.</summary>
internal static unsafe class RowMath<T> where T : struct, IVector<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum(float* x, nint count)
    {
        T a = T.Zero, b = T.Zero, c = T.Zero, d = T.Zero;
        nint i = 0;
        for (; i <= count - 4 * T.Count; i += 4 * T.Count)
        {
            a += T.Load(x + i);
            b += T.Load(x + i + T.Count);
            c += T.Load(x + i + 2 * T.Count);
            d += T.Load(x + i + 3 * T.Count);
        }
        for (; i <= count - T.Count; i += T.Count)
            a += T.Load(x + i);
        if (i < count)
            b += T.LoadFirst(x + i, count - i);
        return T.Sum((a + b) + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SquaredDeviations(float* x, nint count, float mean)
    {
        T a = T.Zero, b = T.Zero, m = T.Create(mean);
        nint i = 0;
        for (; i <= count - 2 * T.Count; i += 2 * T.Count)
        {
            T p = T.Load(x + i) - m, q = T.Load(x + i + T.Count) - m;
            a = T.MultiplyAdd(p, p, a);
            b = T.MultiplyAdd(q, q, b);
        }
        for (; i <= count - T.Count; i += T.Count)
        {
            T p = T.Load(x + i) - m;
            a = T.MultiplyAdd(p, p, a);
        }
        float rest = 0;
        for (; i < count; i++)
            rest += (x[i] - mean) * (x[i] - mean);
        return T.Sum(a + b) + rest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(float* x, nint count)
    {
        T a = T.Create(float.NegativeInfinity);
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count)
            a = T.Maximum(a, T.Load(x + i));
        float max = T.MaxLane(a);
        for (; i < count; i++)
            max = MathF.Max(max, x[i]);
        return max;
    }

    /// <summary>y = e^(x · scale - shift); returns the sum. The same memory may be given twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ExpSum(float* x, float* y, nint count, float scale, float shift)
    {
        T f = T.Create(scale), s = T.Create(-shift), sum = T.Zero;
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count)
        {
            T e = VectorMath<T>.Exp(T.MultiplyAdd(T.Load(x + i), f, s));
            sum += e;
            T.Store(e, y + i);
        }
        float rest = 0;
        if (i < count)
        {
            T.StoreFirst(VectorMath<T>.Exp(T.MultiplyAdd(T.LoadFirst(x + i, count - i), f, s)), y + i, count - i);
            for (; i < count; i++)
                rest += y[i];
        }
        return T.Sum(sum) + rest;
    }

    /// <summary>y = x · factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* x, float* y, nint count, float factor)
    {
        T f = T.Create(factor);
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count)
            T.Store(T.Load(x + i) * f, y + i);
        if (i < count)
            T.StoreFirst(T.LoadFirst(x + i, count - i) * f, y + i, count - i);
    }
}
