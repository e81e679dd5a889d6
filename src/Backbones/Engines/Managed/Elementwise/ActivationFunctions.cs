using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>A function of one vector and two constants, known to the JIT by its type.</summary>
internal interface IFunction<T> where T : struct, IVector<T>
{
    static abstract T Of(T x, T alpha, T beta);
}

/// <summary>The vector formulas of <see cref="UnaryKind"/>. NaN passes through all of them: bounds are compared first argument first.</summary>
internal static class Functions<T> where T : struct, IVector<T>
{
    private const float Log2E = 1.44269504f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Clamp(T x, float low, float high) => T.Min(T.Create(high), T.Max(T.Create(low), x));

    internal readonly struct Relu : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.Max(T.Zero, x);
    }

    internal readonly struct ClampTo : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.Min(beta, T.Max(alpha, x));
    }

    internal readonly struct Silu : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => VectorMath<T>.Gate(x, x * T.Create(-Log2E));
    }

    internal readonly struct QuickGelu : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => VectorMath<T>.Gate(x, x * T.Create(-1.702f * Log2E));
    }

    internal readonly struct Mish : IFunction<T>
    {
        // tanh(log(1 + w)) = n / (n + 2) with n = w · (w + 2); beyond 20 that is 1 in float32.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta)
        {
            T w = VectorMath<T>.Exp(T.Min(T.Create(20f), x));
            T n = w * (w + T.Create(2f));
            return x * (n / (n + T.Create(2f)));
        }
    }

    internal readonly struct Gelu : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => VectorMath<T>.Gelu(x);
    }

    internal readonly struct GeluTanh : IFunction<T>
    {
        // (1 + tanh u) / 2 = 1 / (1 + e^-2u)
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta)
            => VectorMath<T>.Gate(x, x * T.MultiplyAdd(x * x, T.Create(-2 * 0.79788456f * 0.044715f * Log2E), T.Create(-2 * 0.79788456f * Log2E)));
    }

    internal readonly struct Sigmoid : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => VectorMath<T>.Sigmoid(x);
    }

    internal readonly struct HardSigmoid : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => Clamp(x + T.Create(3f), 0, 6) * T.Create(1f / 6);
    }

    internal readonly struct HardSwish : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => x * Clamp(x + T.Create(3f), 0, 6) * T.Create(1f / 6);
    }

    internal readonly struct HardMish : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => x * T.Create(0.5f) * Clamp(x + T.Create(2f), 0, 2);
    }

    internal readonly struct Tanh : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => VectorMath<T>.Tanh(x);
    }

    internal readonly struct LeakyRelu : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.SelectLess(T.Zero, x, x, x * alpha);
    }

    internal readonly struct Elu : IFunction<T>
    {
        // alpha · (e^x - 1), times beta (1, or SELU's scale)
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta)
            => beta * T.SelectLess(T.Zero, x, x, alpha * (VectorMath<T>.Exp(T.Min(T.Zero, x)) - T.Create(1f)));
    }

    internal readonly struct Exp : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => VectorMath<T>.Exp(x);
    }

    internal readonly struct Negate : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => -x;
    }

    internal readonly struct Abs : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.Abs(x);
    }

    internal readonly struct Sqrt : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.Sqrt(x);
    }

    internal readonly struct Rsqrt : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.Create(1f) / T.Sqrt(x);
    }

    internal readonly struct Reciprocal : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.Create(1f) / x;
    }

    internal readonly struct Square : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => x * x;
    }

    internal readonly struct Affine : IFunction<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T x, T alpha, T beta) => T.MultiplyAdd(x, alpha, beta);
    }
}
