using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Interpolation.</content>
internal static partial class ReferenceKernels
{
    private static void Resize(ResizeOp op, DenseTensor x, DenseTensor y)
    {
        (int h, int w, int outH, int outW) = (x.Shape[^2], x.Shape[^1], y.Shape[^2], y.Shape[^1]);
        (int Index, double Weight)[][] rows = ResizeTaps.Of(h, outH, op), columns = ResizeTaps.Of(w, outW, op);
        int maps = x.ItemLength / (h * w);
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x.Item(n);
            Span<float> target = y.ItemSpan(n);
            for (int i = 0; i < target.Length; i++)
            {
                double sum = 0;
                foreach ((int iy, double wy) in rows[i / outW % outH])
                    foreach ((int ix, double wx) in columns[i % outW])
                        sum += wy * wx * source[(i / (outW * outH) * h + iy) * w + ix];
                target[i] = (float)sum;
            }
        });
    }
}
