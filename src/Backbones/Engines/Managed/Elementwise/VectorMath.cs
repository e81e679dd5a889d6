using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Transcendental functions over vectors. The polynomials are minimax fits made for this file (Remez exchange in double);
/// measured against double over all exponents they stay within about two float32 roundings.
/// </summary>
internal static class VectorMath<T> where T : struct, IVector<T>
{
    /// <summary>e^x; the smallest normal number below -87.3, infinity or the largest number above 88.7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp(T x)
    {
        x = T.Min(T.Create(88.72283f), T.Max(T.Create(-87.33654f), x));
        T n = T.Round(x * T.Create(1.44269504f));
        // ln 2 in two parts, the first with few bits: n · 0.693359375 is exact.
        T r = T.MultiplyAdd(n, T.Create(-0.693359375f), x);
        r = T.MultiplyAdd(n, T.Create(2.12194440e-4f), r);
        T p = T.Create(0.0013836846f);
        p = T.MultiplyAdd(p, r, T.Create(0.0083748158f));
        p = T.MultiplyAdd(p, r, T.Create(0.0416682256f));
        p = T.MultiplyAdd(p, r, T.Create(0.1666642017f));
        p = T.MultiplyAdd(p, r, T.Create(0.4999999208f));
        p = T.MultiplyAdd(p, r, T.Create(1f));
        p = T.MultiplyAdd(p, r, T.Create(1f));
        return T.Scale2(p, n);
    }

    /// <summary>2^x for x from -126 to 126, within 1.5e-7 of itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp2(T x)
    {
        T n = T.Round(x), r = x - n;
        T p = T.Create(0.0013276471870487647f);
        p = T.MultiplyAdd(p, r, T.Create(0.009675541327576085f));
        p = T.MultiplyAdd(p, r, T.Create(0.055507132738827264f));
        p = T.MultiplyAdd(p, r, T.Create(0.2402211972406067f));
        p = T.MultiplyAdd(p, r, T.Create(0.6931469670646021f));
        p = T.MultiplyAdd(p, r, T.Create(1.000000071654624f));
        return T.Scale2(p, n);
    }

    /// <summary>
    /// x · Φ(x) with the normal distribution Φ, as max(x, 0) - |x| · Φ(-|x|): a polynomial approximates log2 Φ(-|x|), so that one power of two takes the place of an error function with its
    /// two ranges, and nothing cancels for negative x. From 10 on, where Φ(-|x|) is nothing beside 1, its value is that at 10.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Gelu(T x)
    {
        T a = T.Min(T.Create(10f), T.Abs(x));
        T p = T.Create(-1.9660097852920135e-06f);
        p = T.MultiplyAdd(p, a, T.Create(2.8920376108763892e-05f));
        p = T.MultiplyAdd(p, a, T.Create(-0.00013616126452032452f));
        p = T.MultiplyAdd(p, a, T.Create(-0.0002589257217162162f));
        p = T.MultiplyAdd(p, a, T.Create(0.007225105628143847f));
        p = T.MultiplyAdd(p, a, T.Create(-0.052610706972868126f));
        p = T.MultiplyAdd(p, a, T.Create(-0.4591687837293704f));
        p = T.MultiplyAdd(p, a, T.Create(-1.1511103539137302f));
        p = T.MultiplyAdd(p, a, T.Create(-0.9999998875996325f));
        return T.MultiplyAdd(-a, Exp2(p), T.Max(T.Zero, x));
    }

    /// <summary>x / (1 + 2^t).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Gate(T x, T t) => x / (T.Create(1f) + Exp2(T.Min(T.Create(126f), T.Max(T.Create(-126f), t))));

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid(T x) => T.Create(1f) / (T.Create(1f) + Exp(-x));

    /// <summary>Hyperbolic tangent: an odd polynomial up to 0.6, beyond it 1 - 2 / (e^2|x| + 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tanh(T x)
    {
        T a = T.Abs(x), s = x * x;
        T p = T.Create(-0.005034889105865612f);
        p = T.MultiplyAdd(p, s, T.Create(0.019964744934839854f));
        p = T.MultiplyAdd(p, s, T.Create(-0.05350292813531721f));
        p = T.MultiplyAdd(p, s, T.Create(0.13328055873665354f));
        p = T.MultiplyAdd(p, s, T.Create(-0.33333111247040226f));
        T near = T.MultiplyAdd(p * s, x, x);
        T far = T.CopySign(T.Create(1f) - T.Create(2f) / (Exp(a + a) + T.Create(1f)), x);
        return T.SelectLess(T.Create(0.6f), a, far, near);
    }
}
