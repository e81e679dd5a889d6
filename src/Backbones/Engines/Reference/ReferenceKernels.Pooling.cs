using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Pooling and reductions.</content>
internal static partial class ReferenceKernels
{
    private static void MaxPool2d(MaxPool2dOp op, DenseTensor x, DenseTensor y)
    {
        (int channels, int h, int w, int outH, int outW) = (x.Shape[0], x.Shape[1], x.Shape[2], y.Shape[1], y.Shape[2]);
        Parallel.For(0, y.Batch * channels, job =>
        {
            ReadOnlySpan<float> map = x.Data.AsSpan(job * h * w, h * w);
            Span<float> target = y.Data.AsSpan(job * outH * outW, outH * outW);
            for (int oy = 0; oy < outH; oy++)
                for (int ox = 0; ox < outW; ox++)
                {
                    float max = float.NegativeInfinity;
                    for (int ky = 0; ky < op.Kernel.H; ky++)
                        for (int kx = 0; kx < op.Kernel.W; kx++)
                        {
                            int iy = oy * op.Stride.H - op.Padding.Top + ky * op.Dilation.H, ix = ox * op.Stride.W - op.Padding.Left + kx * op.Dilation.W;
                            if ((uint)iy < (uint)h && (uint)ix < (uint)w)
                                max = MathF.Max(max, map[iy * w + ix]);
                        }
                    target[oy * outW + ox] = max;
                }
        });
    }

    private static void AvgPool2d(AvgPool2dOp op, DenseTensor x, DenseTensor y)
    {
        (int channels, int h, int w, int outH, int outW) = (x.Shape[0], x.Shape[1], x.Shape[2], y.Shape[1], y.Shape[2]);
        Parallel.For(0, y.Batch * channels, job =>
        {
            ReadOnlySpan<float> map = x.Data.AsSpan(job * h * w, h * w);
            Span<float> target = y.Data.AsSpan(job * outH * outW, outH * outW);
            for (int oy = 0; oy < outH; oy++)
                for (int ox = 0; ox < outW; ox++)
                {
                    // The divisor with padding stops at the padded border: a window that ceil mode hangs over it is smaller.
                    int y0 = oy * op.Stride.H - op.Padding.Top, x0 = ox * op.Stride.W - op.Padding.Left;
                    int y1 = Math.Min(y0 + op.Kernel.H, h + op.Padding.Bottom), x1 = Math.Min(x0 + op.Kernel.W, w + op.Padding.Right);
                    int padded = (y1 - y0) * (x1 - x0);
                    (y0, x0, y1, x1) = (Math.Max(y0, 0), Math.Max(x0, 0), Math.Min(y1, h), Math.Min(x1, w));
                    double sum = 0;
                    for (int iy = y0; iy < y1; iy++)
                        for (int ix = x0; ix < x1; ix++)
                            sum += map[iy * w + ix];
                    target[oy * outW + ox] = (float)(sum / (op.CountIncludePad ? padded : (y1 - y0) * (x1 - x0)));
                }
        });
    }

    private static void AdaptiveAvgPool2d(DenseTensor x, DenseTensor y)
    {
        (int channels, int h, int w, int outH, int outW) = (x.Shape[0], x.Shape[1], x.Shape[2], y.Shape[1], y.Shape[2]);
        Parallel.For(0, y.Batch * channels, job =>
        {
            ReadOnlySpan<float> map = x.Data.AsSpan(job * h * w, h * w);
            for (int oy = 0; oy < outH; oy++)
                for (int ox = 0; ox < outW; ox++)
                {
                    (int y0, int y1) = (oy * h / outH, ((oy + 1) * h + outH - 1) / outH);
                    (int x0, int x1) = (ox * w / outW, ((ox + 1) * w + outW - 1) / outW);
                    double sum = 0;
                    for (int iy = y0; iy < y1; iy++)
                        for (int ix = x0; ix < x1; ix++)
                            sum += map[iy * w + ix];
                    y.Data[(job * outH + oy) * outW + ox] = (float)(sum / ((y1 - y0) * (x1 - x0)));
                }
        });
    }

    private static void Reduce(ReduceOp op, DenseTensor x, DenseTensor y)
    {
        bool[] reduced = op.ReducedAxes(x.Shape);
        // Offset of the result element for every input element: reduced axes have stride 0.
        Shape kept = [.. x.Shape.Dimensions.ToArray().Select((d, i) => reduced[i] ? 1 : d)];
        int[] targets = BroadcastOffsets(kept, x.Shape);
        int count = x.ItemLength / Math.Max(1, y.ItemLength);
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x.Item(n);
            var sums = new double[y.ItemLength];
            if (op.Kind == ReduceKind.Max)
                Array.Fill(sums, double.NegativeInfinity);
            for (int i = 0; i < source.Length; i++)
            {
                ref double sum = ref sums[targets[i]];
                sum = op.Kind switch
                {
                    ReduceKind.Max => Math.Max(sum, source[i]),
                    ReduceKind.L2 => sum + (double)source[i] * source[i],
                    _ => sum + source[i],
                };
            }
            if (op.Kind == ReduceKind.Variance)
            {
                double[] means = [.. sums.Select(s => s / count)];
                Array.Clear(sums);
                for (int i = 0; i < source.Length; i++)
                    sums[targets[i]] += (source[i] - means[targets[i]]) * (source[i] - means[targets[i]]);
            }
            Span<float> target = y.ItemSpan(n);
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = (float)(op.Kind switch
                {
                    ReduceKind.Mean or ReduceKind.Variance => sums[i] / count,
                    ReduceKind.L2 => Math.Sqrt(sums[i]),
                    _ => sums[i],
                });
            }
        });
    }
}
