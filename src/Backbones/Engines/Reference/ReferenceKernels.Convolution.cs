using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Convolution, and what products do at their end.</content>
internal static partial class ReferenceKernels
{
    private static void Conv2d(Conv2dOp op, DenseTensor[] x, DenseTensor y)
    {
        (DenseTensor input, DenseTensor weight) = (x[0], x[1]);
        DenseTensor? residual = op.Epilogue is { AddsResidual: true } ? x[^1] : null;
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
}
