using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>Zero padding of a map in pixels; asymmetric for TensorFlow's SAME.</summary>
public readonly record struct Padding(int Top, int Left, int Bottom, int Right)
{
    /// <summary>The same padding on all sides.</summary>
    public static implicit operator Padding(int all) => new(all, all, all, all);

    /// <summary>Symmetric padding: (vertical, horizontal).</summary>
    public static implicit operator Padding((int H, int W) p) => new(p.H, p.W, p.H, p.W);

    /// <inheritdoc/>
    public override string ToString() => (Top, Left) == (Bottom, Right) ? (Top == Left ? $"{Top}" : $"{Top} and {Left}") : $"{Top} and {Left} before, {Bottom} and {Right} behind";
}

/// <summary>Vertical and horizontal size; an int means the same for both.</summary>
public readonly record struct Size2(int H, int W)
{
    /// <summary>The same in both directions.</summary>
    public static implicit operator Size2(int both) => new(both, both);

    /// <summary>(vertical, horizontal).</summary>
    public static implicit operator Size2((int H, int W) size) => new(size.H, size.W);

    /// <inheritdoc/>
    public override string ToString() => $"{H}×{W}";
}

/// <summary>What a convolution or linear layer does with its result before it is stored: adds a residual, then applies an activation. Set by the fusion pass.</summary>
/// <param name="AddsResidual">The last input is added.</param>
/// <param name="Activation">Applied after the addition; null for none.</param>
internal sealed record Epilogue(bool AddsResidual = false, UnaryOp? Activation = null);

/// <summary>2-D cross-correlation of x <c>[C, H, W]</c> with weight <c>[O, C/groups, kH, kW]</c> and bias <c>[O]</c> (optional): inputs x, weight, bias?, residual?.</summary>
internal sealed record Conv2dOp(Size2 Stride, Padding Padding, Size2 Dilation, int Groups = 1, bool HasBias = false, Epilogue? Epilogue = null) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = RequireMap(inputs[0]), w = inputs[1].Shape;
        int expected = 2 + (HasBias ? 1 : 0) + (Epilogue is { AddsResidual: true } ? 1 : 0);
        Require(inputs.Length == expected, $"expected {expected} inputs, received {inputs.Length}.");
        Require(w.Rank == 4, $"expected a weight [O, C/groups, kH, kW], received {w}.");
        RequireWindow(new(w[2], w[3]), Stride, Dilation, Padding);
        Require(Groups > 0 && x[0] == (long)w[1] * Groups && w[0] % Groups == 0, $"{x[0]} channels in {Groups} groups do not fit a weight {w}.");
        int h = OutputSize((long)x[1] + Padding.Top + Padding.Bottom, w[2], Stride.H, Dilation.H);
        int width = OutputSize((long)x[2] + Padding.Left + Padding.Right, w[3], Stride.W, Dilation.W);
        Require(h > 0 && width > 0, $"a {w[2]}×{w[3]} kernel with dilation {Dilation.H} does not fit into {x[1]}×{x[2]} padded by {Padding}.");
        Shape result = [w[0], h, width];
        if (Epilogue is { AddsResidual: true })
            Require(inputs[^1].Shape == result, $"a residual {inputs[^1].Shape} cannot be added to {result}.");
        return result;
    }

    private static int OutputSize(long padded, int kernel, int stride, long dilation)
        => padded < dilation * (kernel - 1) + 1 ? 0 : checked((int)((padded - dilation * (kernel - 1) - 1) / stride + 1));
}
