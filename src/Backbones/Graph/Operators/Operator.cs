using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Backbones.Graphs;

/// <summary>What a node computes. Operators are immutable values; weights are inputs, not attributes.</summary>
internal abstract record Operator
{
    /// <summary>The shape of the result (without batch) for these inputs.</summary>
    /// <exception cref="GraphException">The inputs do not fit.</exception>
    internal abstract Shape InferShape(ImmutableArray<Node> inputs);

    private protected static void Require(bool condition, string message)
    {
        if (!condition)
            throw new GraphException(message);
    }

    private protected static void Require(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref UnlessTrue message)
    {
        if (!condition)
            throw new GraphException(message.ToString());
    }

    /// <summary>A message that is only put together where the condition does not hold: nodes are made by the thousand.</summary>
    [InterpolatedStringHandler]
    private protected ref struct UnlessTrue
    {
        private DefaultInterpolatedStringHandler _text;

        public UnlessTrue(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            if (isNeeded)
                _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
        }

        public void AppendLiteral(string value) => _text.AppendLiteral(value);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        public override string ToString() => _text.ToStringAndClear();
    }

    /// <summary>What kernels count on without looking again: no window is larger, so that products of these numbers and a map's size fit 32 bits several times.</summary>
    private protected static void RequireWindow(Size2 kernel, Size2 stride, Size2 dilation, Padding padding)
    {
        const int most = 1 << 16;
        foreach (int n in (ReadOnlySpan<int>)[kernel.H, kernel.W, stride.H, stride.W, dilation.H, dilation.W])
            Require(n is > 0 and <= most, $"a window of {kernel} with stride {stride} and dilation {dilation}; expected 1 to {most} of each.");
        foreach (int n in (ReadOnlySpan<int>)[padding.Top, padding.Left, padding.Bottom, padding.Right])
            Require(n is >= 0 and <= most, $"a padding of {padding}; expected 0 to {most}.");
    }

    private protected static Shape RequireMap(Node x)
    {
        Require(x.Shape.Rank == 3, $"expected a map [C, H, W], received {x.Shape}.");
        return x.Shape;
    }
}

/// <summary>A graph input; its shape is <see cref="ItemShape"/> for each batch item.</summary>
internal sealed record InputOp(Shape ItemShape) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs) => ItemShape;
}

/// <summary>A state_dict entry.</summary>
internal sealed record ParameterOp(ParameterSpec Spec) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs) => Spec.Shape;
}

/// <summary>A tensor known when the graph is built (a blur filter, an attention mask), row-major.</summary>
internal sealed record ConstantOp(Shape ItemShape, ImmutableArray<float> Values) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(ItemShape.Length == Values.Length, $"a constant of shape {ItemShape} needs {ItemShape.Length} values, received {Values.Length}.");
        return ItemShape;
    }

    /// <summary>Values are compared by reference: constants are made once per graph.</summary>
    public bool Equals(ConstantOp? other) => other is not null && ItemShape == other.ItemShape && Values.Equals(other.Values);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ItemShape, Values.Length);
}

/// <summary>The value itself: modules that do nothing at inference (dropout, drop_block, an empty downsample), kept for their names.</summary>
/// <param name="IsListed">Whether the name can be chosen though the value depends on no input.</param>
internal sealed record IdentityOp(bool IsListed = false) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs) => inputs[0].Shape;
}
