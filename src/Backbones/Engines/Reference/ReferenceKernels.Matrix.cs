using System.Numerics;
using System.Runtime.InteropServices;
using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Linear layers, matrix products and attention.</content>
internal static partial class ReferenceKernels
{
    private static void Linear(LinearOp op, DenseTensor[] x, DenseTensor y)
    {
        (DenseTensor input, DenseTensor weight) = (x[0], x[1]);
        DenseTensor? residual = op.Epilogue is { AddsResidual: true } ? x[^1] : null;
        (int outFeatures, int inFeatures) = (weight.Shape[0], weight.Shape[1]);
        int rows = input.ItemLength / inFeatures;
        Parallel.For(0, y.Batch * rows, job =>
        {
            (int n, int r) = (job / rows, job % rows);
            ReadOnlySpan<float> source = input.Item(n).Slice(r * inFeatures, inFeatures);
            Span<float> target = y.ItemSpan(n).Slice(r * outFeatures, outFeatures);
            for (int o = 0; o < outFeatures; o++)
                target[o] = Dot(source, weight.Data.AsSpan(o * inFeatures, inFeatures)) + (op.HasBias ? x[2].Data[o] : 0);
            Finish(op.Epilogue, target, residual is { } res ? res.Item(n).Slice(r * outFeatures, outFeatures) : default);
        });
    }

    private static void MatMul(MatMulOp op, DenseTensor a, DenseTensor b, DenseTensor y)
    {
        (int m, int n) = (y.Shape[^2], y.Shape[^1]);
        int k = op.TransposeA ? a.Shape[^2] : a.Shape[^1];
        Shape leading = [.. y.Shape.Dimensions[..^2]];
        int[] offsetsA = BroadcastOffsets([.. a.Shape.Dimensions[..^2]], leading), offsetsB = BroadcastOffsets([.. b.Shape.Dimensions[..^2]], leading);
        ForEachItem(y.Batch, item =>
        {
            ReadOnlySpan<float> source = a.Item(item), other = b.Item(item);
            Span<float> target = y.ItemSpan(item);
            for (int g = 0; g < offsetsA.Length; g++)
            {
                ReadOnlySpan<float> ma = source.Slice(offsetsA[g] * m * k, m * k), mb = other.Slice(offsetsB[g] * k * n, k * n);
                Span<float> my = target.Slice(g * m * n, m * n);
                for (int i = 0; i < m; i++)
                    for (int p = 0; p < k; p++)
                    {
                        float value = op.TransposeA ? ma[p * m + i] : ma[i * k + p];
                        if (op.TransposeB)
                        {
                            for (int j = 0; j < n; j++)
                                my[i * n + j] += value * mb[j * k + p];
                        }
                        else
                        {
                            AddScaled(my.Slice(i * n, n), mb.Slice(p * n, n), value);
                        }
                    }
            }
        });
    }

    private static void Lstm(DenseTensor[] x, DenseTensor y)
    {
        (int length, int channels, int hidden) = (y.Shape[^2], x[0].Shape[^1], y.Shape[^1] / 2);
        int sequences = y.ItemLength / (length * 2 * hidden);
        Parallel.For(0, y.Batch * sequences * 2, job =>
        {
            (int n, int sequence, int direction) = (job / 2 / sequences, job / 2 % sequences, job % 2);
            ReadOnlySpan<float> source = x[0].Item(n).Slice(sequence * length * channels, length * channels);
            Span<float> target = y.ItemSpan(n).Slice(sequence * length * 2 * hidden, length * 2 * hidden);
            ReadOnlySpan<DenseTensor> weights = x.AsSpan(1 + 4 * direction, 4);
            (float[] h, float[] c, float[] gates) = (new float[hidden], new float[hidden], new float[4 * hidden]);
            for (int i = 0; i < length; i++)
            {
                int t = direction == 0 ? i : length - 1 - i;
                for (int g = 0; g < gates.Length; g++)
                {
                    gates[g] = Dot(source.Slice(t * channels, channels), weights[0].Item(n).Slice(g * channels, channels)) + weights[2].Item(n)[g]
                        + Dot(h, weights[1].Item(n).Slice(g * hidden, hidden)) + weights[3].Item(n)[g];
                }
                for (int k = 0; k < hidden; k++)
                {
                    c[k] = Sigmoid(gates[hidden + k]) * c[k] + Sigmoid(gates[k]) * MathF.Tanh(gates[2 * hidden + k]);
                    h[k] = Sigmoid(gates[3 * hidden + k]) * MathF.Tanh(c[k]);
                }
                h.CopyTo(target[(t * 2 * hidden + direction * hidden)..]);
            }
        });

        static float Sigmoid(float v) => 1 / (1 + MathF.Exp(-v));
    }

    private static void Attention(AttentionOp op, DenseTensor[] x, DenseTensor y)
    {
        (DenseTensor q, DenseTensor k, DenseTensor v) = (x[0], x[1], x[2]);
        (int lq, int d, int lk, int dv) = (q.Shape[^2], q.Shape[^1], k.Shape[^2], v.Shape[^1]);
        int groups = q.ItemLength / (lq * d);
        Shape scoresShape = [.. q.Shape.Dimensions[..^2], lq, lk];
        int[]? maskOffsets = op.HasMask ? BroadcastOffsets(x[3].Shape, scoresShape) : null;
        Parallel.For(0, y.Batch * groups, job =>
        {
            (int n, int g) = (job / groups, job % groups);
            ReadOnlySpan<float> mask = op.HasMask ? x[3].Item(n) : default;
            var scores = new float[lk];
            for (int i = 0; i < lq; i++)
            {
                ReadOnlySpan<float> query = q.Item(n).Slice((g * lq + i) * d, d);
                for (int j = 0; j < lk; j++)
                {
                    scores[j] = Dot(query, k.Item(n).Slice((g * lk + j) * d, d)) * op.Scale;
                    if (maskOffsets is not null)
                        scores[j] += mask[maskOffsets[(g * lq + i) * lk + j]];
                }
                SoftmaxLine(scores, scores, lk, 1);
                Span<float> target = y.ItemSpan(n).Slice((g * lq + i) * dv, dv);
                for (int j = 0; j < lk; j++)
                    AddScaled(target, v.Item(n).Slice((g * lk + j) * dv, dv), scores[j]);
            }
        });
    }

    private static void AddScaled(Span<float> y, ReadOnlySpan<float> x, float a)
    {
        Span<Vector<float>> yv = MemoryMarshal.Cast<float, Vector<float>>(y);
        ReadOnlySpan<Vector<float>> xv = MemoryMarshal.Cast<float, Vector<float>>(x);
        for (int i = 0; i < yv.Length; i++)
            yv[i] += xv[i] * a;
        for (int i = yv.Length * Vector<float>.Count; i < y.Length; i++)
            y[i] += x[i] * a;
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector<float>> av = MemoryMarshal.Cast<float, Vector<float>>(a), bv = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> sums = Vector<float>.Zero;
        for (int i = 0; i < av.Length; i++)
            sums += av[i] * bv[i];
        float sum = Vector.Sum(sums);
        for (int i = av.Length * Vector<float>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
