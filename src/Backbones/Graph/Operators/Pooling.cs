using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>How values are combined.</summary>
public enum ReduceKind
{
    /// <summary>arithmetic mean</summary>
    Mean,
    /// <summary>sum</summary>
    Sum,
    /// <summary>maximum</summary>
    Max,
    /// <summary>square root of the sum of squares</summary>
    L2,
    /// <summary>variance with the population's denominator n</summary>
    Variance,
}

/// <summary>Maximum over windows; padding counts as minus infinity. <c>CeilMode</c> as PyTorch's: a last window may start inside the input or left padding only.</summary>
internal sealed record MaxPool2dOp(Size2 Kernel, Size2 Stride, Padding Padding, Size2 Dilation, bool CeilMode = false) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = RequireMap(inputs[0]);
        RequireWindow(Kernel, Stride, Dilation, Padding);
        return [x[0],
            PoolSize.Of(x[1], Kernel.H, Stride.H, Padding.Top, Padding.Bottom, Dilation.H, CeilMode),
            PoolSize.Of(x[2], Kernel.W, Stride.W, Padding.Left, Padding.Right, Dilation.W, CeilMode)];
    }
}

/// <summary>Mean over windows. With <c>CountIncludePad</c> padded zeros count in the divisor.</summary>
internal sealed record AvgPool2dOp(Size2 Kernel, Size2 Stride, Padding Padding, bool CeilMode = false, bool CountIncludePad = true) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = RequireMap(inputs[0]);
        RequireWindow(Kernel, Stride, 1, Padding);
        return [x[0],
            PoolSize.Of(x[1], Kernel.H, Stride.H, Padding.Top, Padding.Bottom, 1, CeilMode),
            PoolSize.Of(x[2], Kernel.W, Stride.W, Padding.Left, Padding.Right, 1, CeilMode)];
    }
}

/// <summary>Mean over windows chosen so that the result is H × W: window i covers floor(i·in/out) to ceil((i+1)·in/out).</summary>
internal sealed record AdaptiveAvgPool2dOp(int H, int W) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(H > 0 && W > 0, $"a result of {H}×{W}; expected 1 or more of both.");
        return [RequireMap(inputs[0])[0], H, W];
    }
}

/// <summary>Combines all values along the axes (negative ones count from the end).</summary>
internal sealed record ReduceOp(ReduceKind Kind, ImmutableArray<int> Axes, bool KeepDims) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(Enum.IsDefined(Kind), $"there is no way to combine values called {Kind}.");
        bool[] reduced = ReducedAxes(x);
        var dims = new List<int>();
        for (int i = 0; i < x.Rank; i++)
        {
            if (!reduced[i])
                dims.Add(x[i]);
            else if (KeepDims)
                dims.Add(1);
        }
        return [.. dims];
    }

    internal bool[] ReducedAxes(Shape x)
    {
        var reduced = new bool[x.Rank];
        foreach (int axis in Axes)
            reduced[x.Axis(axis)] = true;
        return reduced;
    }

    /// <inheritdoc/>
    public bool Equals(ReduceOp? other) => other is not null && Kind == other.Kind && KeepDims == other.KeepDims && Axes.SequenceEqual(other.Axes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, KeepDims, Axes.Length);
}

internal static class PoolSize
{
    /// <summary>PyTorch's pooling output size.</summary>
    public static int Of(int size, int kernel, int stride, int before, int after, int dilation, bool ceil)
    {
        long extent = (long)dilation * (kernel - 1) + 1, span = (long)size + before + after - extent;
        if (span < 0)
            throw new GraphException($"a pooling window of {kernel} (dilation {dilation}) does not fit into {size} padded by {before} and {after}.");
        // A window of padding alone has no maximum and no mean; PyTorch allows half of this.
        if (Math.Max(before, after) >= extent)
            throw new GraphException($"a pooling window of {kernel} (dilation {dilation}) lies in a padding of {before} and {after}; expected less than {extent}.");
        long n = (span + (ceil ? stride - 1 : 0)) / stride + 1;
        return checked((int)(ceil && (n - 1) * stride >= (long)size + before ? n - 1 : n));
    }
}
