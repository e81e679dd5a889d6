namespace Backbones.Engines.Managed;

/// <summary>The input rows (or columns) First, First + Step, … below End under one output row (or column), and the divisor's share.</summary>
internal readonly record struct PoolWindow(int First, int End, int Step, int Divisor)
{
    /// <summary>Windows of a max pooling along one axis.</summary>
    public static PoolWindow[] Max(int outputs, int size, int kernel, int stride, int before, int dilation) => Make(outputs, i =>
    {
        int start = i * stride - before, end = Math.Min(start + (kernel - 1) * dilation + 1, size);
        int first = start >= 0 ? start : start + (-start + dilation - 1) / dilation * dilation;
        return new(first, end, dilation, 1);
    });

    /// <summary>Windows of a mean along one axis. With padding counted, the divisor ends at the padded border: what ceil mode hangs over it does not count.</summary>
    public static PoolWindow[] Mean(int outputs, int size, int kernel, int stride, int before, int after, bool countPadding) => Make(outputs, i =>
    {
        int start = i * stride - before, end = Math.Min(start + kernel, size + after);
        (int first, int last) = (Math.Max(start, 0), Math.Min(end, size));
        return new(first, last, 1, countPadding ? end - start : last - first);
    });

    /// <summary>Windows of adaptive pooling: floor(i·in/out) to ceil((i+1)·in/out).</summary>
    public static PoolWindow[] Adaptive(int outputs, int size) => Make(outputs, i =>
    {
        (int first, int end) = (i * size / outputs, ((i + 1) * size + outputs - 1) / outputs);
        return new(first, end, 1, end - first);
    });

    private static PoolWindow[] Make(int outputs, Func<int, PoolWindow> window)
    {
        var windows = new PoolWindow[outputs];
        for (int i = 0; i < outputs; i++)
            windows[i] = window(i);
        return windows;
    }
}
