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

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid(T x) => T.Create(1f) / (T.Create(1f) + Exp(-x));

    /// <summary>The error function: an odd polynomial up to 1, beyond it 1 - e^p(|x|) where p approximates log erfc.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Erf(T x)
    {
        T a = T.Abs(x), s = x * x;
        T p = T.Create(7.85386108877381e-05f);
        p = T.MultiplyAdd(p, s, T.Create(-0.00080101935336091f));
        p = T.MultiplyAdd(p, s, T.Create(0.005188327673660641f));
        p = T.MultiplyAdd(p, s, T.Create(-0.02685381192785269f));
        p = T.MultiplyAdd(p, s, T.Create(0.11283585148404955f));
        p = T.MultiplyAdd(p, s, T.Create(-0.3761262582421296f));
        p = T.MultiplyAdd(p, s, T.Create(0.1283791657267128f));
        T near = T.MultiplyAdd(p, x, x);

        T b = T.Min(T.Create(4f), a);
        T q = T.Create(0.0001855739340260823f);
        q = T.MultiplyAdd(q, b, T.Create(-0.0029396065638384807f));
        q = T.MultiplyAdd(q, b, T.Create(0.021805315393687314f));
        q = T.MultiplyAdd(q, b, T.Create(-0.10303736268820086f));
        q = T.MultiplyAdd(q, b, T.Create(-0.6382256841366926f));
        q = T.MultiplyAdd(q, b, T.Create(-1.1270400319497984f));
        q = T.MultiplyAdd(q, b, T.Create(-0.0003537204697742283f));
        T far = T.CopySign(T.Create(1f) - Exp(q), x);
        return T.SelectLess(T.Create(1f), a, far, near);
    }

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
