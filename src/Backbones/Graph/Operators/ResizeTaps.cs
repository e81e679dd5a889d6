namespace Backbones.Graphs;

/// <summary>Interpolation as PyTorch's upsample kernels do it: separable weights by row and column.</summary>
internal static class ResizeTaps
{
    /// <summary>Which input positions make up each output position of one axis, and with what weight.</summary>
    public static (int Index, double Weight)[][] Of(int size, int outSize, ResizeOp op)
    {
        double scale = op.AlignCorners ? (outSize > 1 ? (size - 1.0) / (outSize - 1) : 0) : (double)size / outSize;
        var taps = new (int, double)[outSize][];
        for (int i = 0; i < outSize; i++)
        {
            double centre = op.AlignCorners ? i * scale : (i + 0.5) * scale - 0.5;
            taps[i] = op switch
            {
                { Mode: ResizeMode.Nearest } => [(Math.Min((int)(i * ((float)size / outSize)), size - 1), 1)],
                { Antialias: true } => Antialiased(i, size, scale, op.Mode),
                { Mode: ResizeMode.Bilinear } => Bilinear(op.AlignCorners ? centre : Math.Max(centre, 0), size),
                _ => Bicubic(centre, size),
            };
        }
        return taps;
    }

    private static (int, double)[] Bilinear(double centre, int size)
    {
        int left = Math.Min((int)centre, size - 1), right = Math.Min(left + 1, size - 1);
        double t = centre - left;
        return [(left, 1 - t), (right, t)];
    }

    private static (int, double)[] Bicubic(double centre, int size)
    {
        int left = (int)Math.Floor(centre);
        return [.. Enumerable.Range(left - 1, 4).Select(p => (Math.Clamp(p, 0, size - 1), Cubic(centre - p, -0.75)))];
    }

    /// <summary>The filter widened by the scale when shrinking, normalised, cut at the borders.</summary>
    private static (int, double)[] Antialiased(int i, int size, double scale, ResizeMode mode)
    {
        double stretch = Math.Max(scale, 1), support = (mode == ResizeMode.Bicubic ? 2 : 1) * stretch, centre = (i + 0.5) * scale;
        int first = Math.Max((int)(centre - support + 0.5), 0), end = Math.Min((int)(centre + support + 0.5), size);
        var weights = Enumerable.Range(first, end - first).Select(p => (Index: p, Weight: Filter((p - centre + 0.5) / stretch))).ToArray();
        double total = weights.Sum(t => t.Weight);
        return [.. weights.Select(t => (t.Index, t.Weight / total))];

        double Filter(double t) => mode == ResizeMode.Bicubic ? Cubic(t, -0.5) : Math.Max(0, 1 - Math.Abs(t));
    }

    private static double Cubic(double t, double a)
    {
        t = Math.Abs(t);
        return t < 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? ((t - 5) * t + 8) * t * a - 4 * a : 0;
    }
}
