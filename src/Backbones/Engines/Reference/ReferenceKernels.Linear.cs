using System.Numerics;
using System.Runtime.InteropServices;
using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Convolution, linear layer, matrix product, attention.</content>
internal static partial class ReferenceKernels
{
    private static void Conv2d(Conv2dOp op, ReferenceTensor[] x, ReferenceTensor y)
    {
        (ReferenceTensor input, ReferenceTensor weight) = (x[0], x[1]);
        ReferenceTensor? residual = op.Epilogue is { AddsResidual: true } ? x[^1] : null;
        (int channels, int h, int w) = (input.Shape[0], input.Shape[1], input.Shape[2]);
        (int outChannels, int outH, int outW) = (y.Shape[0], y.Shape[1], y.Shape[2]);
        (int perGroup, int kh, int kw) = (weight.Shape[1], weight.Shape[2], weight.Shape[3]);
        int outPerGroup = outChannels / op.Groups;

        Parallel.For(0, y.Batch * outChannels, job =>
        {
            (int n, int o) = (job / outChannels, job % outChannels);
            Span<float> map = y.ItemSpan(n).Slice(o * outH * outW, outH * outW);
            if (op.HasBias)
                map.Fill(x[2].Data[o]);
            for (int c = 0; c < perGroup; c++)
            {
                ReadOnlySpan<float> source = input.Item(n).Slice((o / outPerGroup * perGroup + c) * h * w, h * w);
                for (int ky = 0; ky < kh; ky++)
                for (int kx = 0; kx < kw; kx++)
                {
                    float weightValue = weight.Data[((o * perGroup + c) * kh + ky) * kw + kx];
                    for (int oy = 0; oy < outH; oy++)
                    {
                        int iy = oy * op.Stride.H - op.Padding.Top + ky * op.Dilation.H;
                        if ((uint)iy < (uint)h)
                            AddShiftedRow(map.Slice(oy * outW, outW), source.Slice(iy * w, w), weightValue, kx * op.Dilation.W - op.Padding.Left, op.Stride.W);
                    }
                }
            }
            Finish(op.Epilogue, map, residual is { } r ? r.Item(n).Slice(o * outH * outW, outH * outW) : default);
        });
    }

    /// <summary>row[i] += weight · source[i · stride + offset] where that is inside.</summary>
    private static void AddShiftedRow(Span<float> row, ReadOnlySpan<float> source, float weight, int offset, int stride)
    {
        int first = Math.Max(0, (-offset + stride - 1) / stride);
        int last = source.Length - 1 - offset < 0 ? -1 : Math.Min(row.Length - 1, (source.Length - 1 - offset) / stride);
        if (stride == 1 && last >= first)
        {
            AddScaled(row[first..(last + 1)], source.Slice(first + offset, last - first + 1), weight);
            return;
        }
        for (int i = first; i <= last; i++)
            row[i] += weight * source[i * stride + offset];
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

    private static void Finish(Epilogue? epilogue, Span<float> values, ReadOnlySpan<float> residual)
    {
        if (epilogue is null)
            return;
        if (epilogue.AddsResidual)
            AddScaled(values, residual, 1);
        if (epilogue.Activation is { } activation)
        {
            foreach (ref float v in values)
                v = Apply(activation, v);
        }
    }

    private static void Linear(LinearOp op, ReferenceTensor[] x, ReferenceTensor y)
    {
        (ReferenceTensor input, ReferenceTensor weight) = (x[0], x[1]);
        ReferenceTensor? residual = op.Epilogue is { AddsResidual: true } ? x[^1] : null;
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

    private static void MatMul(MatMulOp op, ReferenceTensor a, ReferenceTensor b, ReferenceTensor y)
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

    private static void Softmax(SoftmaxOp op, ReferenceTensor x, ReferenceTensor y)
    {
        (int outer, int size, int inner) = Split(x.Shape, x.Shape.Axis(op.Axis));
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x.Item(n);
            Span<float> target = y.ItemSpan(n);
            for (int o = 0; o < outer; o++)
            for (int i = 0; i < inner; i++)
                SoftmaxLine(source[(o * size * inner + i)..], target[(o * size * inner + i)..], size, inner);
        });
    }

    private static void SoftmaxLine(ReadOnlySpan<float> source, Span<float> target, int size, int stride)
    {
        float max = float.NegativeInfinity, sum = 0;
        for (int i = 0; i < size; i++)
            max = Math.Max(max, source[i * stride]);
        for (int i = 0; i < size; i++)
            sum += target[i * stride] = MathF.Exp(source[i * stride] - max);
        for (int i = 0; i < size; i++)
            target[i * stride] /= sum;
    }

    private static void Attention(AttentionOp op, ReferenceTensor[] x, ReferenceTensor y)
    {
        (ReferenceTensor q, ReferenceTensor k, ReferenceTensor v) = (x[0], x[1], x[2]);
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
}
