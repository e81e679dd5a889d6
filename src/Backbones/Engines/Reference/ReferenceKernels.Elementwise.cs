using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Functions of single elements, and broadcasting.</content>
internal static partial class ReferenceKernels
{
    /// <summary>The value of a unary operator for one element.</summary>
    internal static float Apply(UnaryOp op, float x) => op.Kind switch
    {
        UnaryKind.Relu => x > 0 ? x : x < 0 ? 0 : x,
        UnaryKind.Relu6 => Clamp(x, 0, 6),
        UnaryKind.Silu => x / (1 + MathF.Exp(-x)),
        UnaryKind.Mish => x * MathF.Tanh(Softplus(x)),
        UnaryKind.Gelu => (float)(0.5 * x * (1 + Erf(x / Math.Sqrt(2)))),
        UnaryKind.GeluTanh => 0.5f * x * (1 + MathF.Tanh(MathF.Sqrt(2 / MathF.PI) * (x + 0.044715f * x * x * x))),
        UnaryKind.QuickGelu => x / (1 + MathF.Exp(-1.702f * x)),
        UnaryKind.Sigmoid => 1 / (1 + MathF.Exp(-x)),
        UnaryKind.HardSigmoid => Clamp(x + 3, 0, 6) / 6,
        UnaryKind.HardSwish => x * Clamp(x + 3, 0, 6) / 6,
        UnaryKind.HardMish => 0.5f * x * Clamp(x + 2, 0, 2),
        UnaryKind.Tanh => MathF.Tanh(x),
        UnaryKind.LeakyRelu => x > 0 ? x : op.Alpha * x,
        UnaryKind.Elu => x > 0 ? x : op.Alpha * (MathF.Exp(x) - 1),
        UnaryKind.Selu => 1.0507009873554805f * (x > 0 ? x : 1.6732632423543772f * (MathF.Exp(x) - 1)),
        UnaryKind.Softplus => Softplus(x),
        UnaryKind.Exp => MathF.Exp(x),
        UnaryKind.Log => MathF.Log(x),
        UnaryKind.Negate => -x,
        UnaryKind.Abs => MathF.Abs(x),
        UnaryKind.Sqrt => MathF.Sqrt(x),
        UnaryKind.Rsqrt => 1 / MathF.Sqrt(x),
        UnaryKind.Reciprocal => 1 / x,
        UnaryKind.Square => x * x,
        UnaryKind.Affine => op.Alpha * x + op.Beta,
        UnaryKind.Clamp => Clamp(x, op.Alpha, op.Beta),
        UnaryKind.Sin => MathF.Sin(x),
        UnaryKind.Cos => MathF.Cos(x),
        _ => throw new NotSupportedException($"The reference engine has no formula for {op.Kind}."),
    };

    // NaN passes through, as in PyTorch.
    private static float Clamp(float x, float low, float high) => x < low ? low : x > high ? high : x;

    private static float Softplus(float x) => x > 20 ? x : MathF.Log(1 + MathF.Exp(x));

    /// <summary>The error function in double: Taylor series near 0, continued fraction for erfc beyond (both converge to 1e-15 there).</summary>
    internal static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (double.IsNaN(x) || a > 6)
            return double.IsNaN(x) ? x : Math.Sign(x);
        if (a < 2.5)
        {
            double term = x, sum = x;
            for (int n = 1; n < 60; n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }
            return 2 / Math.Sqrt(Math.PI) * sum;
        }
        double fraction = a;
        for (int n = 60; n >= 1; n--)
            fraction = a + n / 2.0 / fraction;
        return Math.Sign(x) * (1 - Math.Exp(-a * a) / (fraction * Math.Sqrt(Math.PI)));
    }

    private static void Unary(UnaryOp op, DenseTensor x, DenseTensor y) => ForEachItem(y.Batch, n =>
    {
        ReadOnlySpan<float> source = x.Item(n);
        Span<float> target = y.ItemSpan(n);
        for (int i = 0; i < target.Length; i++)
            target[i] = Apply(op, source[i]);
    });

    private static void Binary(BinaryOp op, DenseTensor a, DenseTensor b, DenseTensor y)
    {
        int[] offsetsA = BroadcastOffsets(a.Shape, y.Shape), offsetsB = BroadcastOffsets(b.Shape, y.Shape);
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> left = a.Item(n), right = b.Item(n);
            Span<float> target = y.ItemSpan(n);
            for (int i = 0; i < target.Length; i++)
            {
                (float p, float q) = (left[offsetsA[i]], right[offsetsB[i]]);
                target[i] = op.Kind switch
                {
                    BinaryKind.Add => p + q,
                    BinaryKind.Subtract => p - q,
                    BinaryKind.Multiply => p * q,
                    BinaryKind.Divide => p / q,
                    BinaryKind.Max => MathF.Max(p, q),
                    BinaryKind.Min => MathF.Min(p, q),
                    _ => throw new NotSupportedException($"The reference engine has no formula for {op.Kind}."),
                };
            }
        });
    }

    private static void PRelu(DenseTensor[] x, DenseTensor y) => ForEachItem(y.Batch, n =>
    {
        ReadOnlySpan<float> source = x[0].Item(n);
        Span<float> target = y.ItemSpan(n);
        int inner = target.Length / y.Shape[0];
        for (int i = 0; i < target.Length; i++)
            target[i] = source[i] > 0 ? source[i] : x[1].Data[x[1].Data.Length == 1 ? 0 : i / inner] * source[i];
    });

    /// <summary>For every element of <paramref name="to"/>, the element of <paramref name="from"/> that broadcasting puts there.</summary>
    private static int[] BroadcastOffsets(Shape from, Shape to)
    {
        int[] strides = from.Strides();
        var steps = new int[to.Rank];
        for (int i = 0; i < from.Rank; i++)
            steps[to.Rank - from.Rank + i] = from[i] == 1 ? 0 : strides[i];
        return Offsets(steps, to);
    }

    /// <summary>The offset of every element of <paramref name="shape"/>, where a step along each axis leads that far. Each goes on from the one before: a detector's head has millions, and dividing took seconds.</summary>
    private static int[] Offsets(int[] steps, Shape shape)
    {
        var index = new int[shape.Rank];
        var offsets = new int[shape.Length];
        int offset = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            offsets[i] = offset;
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                offset += steps[axis];
                if (++index[axis] < shape[axis])
                    break;
                offset -= steps[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        return offsets;
    }
}
