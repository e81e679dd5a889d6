using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>The same elements in another shape (row-major, within each batch item).</summary>
internal sealed record ReshapeOp(Shape Target) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(inputs[0].Shape.Length == Target.Length, $"{inputs[0].Shape} has {inputs[0].Shape.Length} elements, {Target} needs {Target.Length}.");
        return Target;
    }
}

/// <summary>Dimension i of the result is dimension Axes[i] of the input; the batch stays first.</summary>
internal sealed record PermuteOp(ImmutableArray<int> Axes) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(Axes.Order().SequenceEqual(Enumerable.Range(0, x.Rank)), $"({string.Join(", ", Axes.Select(a => $"{a}"))}) is no permutation of the {x.Rank} axes of {x}.");
        return [.. Axes.Select(a => x[a])];
    }

    /// <inheritdoc/>
    public bool Equals(PermuteOp? other) => other is not null && Axes.SequenceEqual(other.Axes);

    /// <inheritdoc/>
    public override int GetHashCode() => Axes.Length;
}

/// <summary>Inputs one after another along an axis. Inputs without batch (class tokens) are repeated for every batch item.</summary>
internal sealed record ConcatOp(int Axis) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(inputs.Length > 0, "nothing to concatenate.");
        Shape first = inputs[0].Shape;
        int axis = first.Axis(Axis);
        int total = 0;
        foreach (Node input in inputs)
        {
            Require(input.Shape.Rank == first.Rank && input.Shape.With(axis, 0) == first.With(axis, 0), $"{input.Shape} does not line up with {first} along axis {axis}.");
            total = checked(total + input.Shape[axis]);
        }
        return first.With(axis, total);
    }
}

/// <summary>Elements Start, Start + Step, … (Length of them) along an axis.</summary>
internal sealed record SliceOp(int Axis, int Start, int Length, int Step = 1) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        int axis = x.Axis(Axis);
        long last = Start + (Length - 1L) * Step;
        Require(Start >= 0 && Step > 0 && Length > 0 && last < x[axis], $"elements {Start} to {last} are outside the {x[axis]} along axis {axis} of {x}.");
        return x.With(axis, Length);
    }
}

/// <summary>How a border is filled.</summary>
public enum PadMode
{
    /// <summary>with a constant</summary>
    Constant,
    /// <summary>mirrored without repeating the edge</summary>
    Reflect,
    /// <summary>with the edge's value</summary>
    Replicate,
}

/// <summary>A border around the last two dimensions.</summary>
internal sealed record Pad2dOp(Padding Padding, PadMode Mode = PadMode.Constant, float Value = 0) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 2, $"expected […, H, W], received {x}.");
        Require(Enum.IsDefined(Mode), $"there is no way to pad called {Mode}.");
        Require(Math.Min(Math.Min(Padding.Top, Padding.Left), Math.Min(Padding.Bottom, Padding.Right)) >= 0, $"a padding of {Padding}; expected 0 or more.");
        int h = checked(x[x.Rank - 2] + Padding.Top + Padding.Bottom), w = checked(x[x.Rank - 1] + Padding.Left + Padding.Right);
        if (Mode == PadMode.Reflect)
            Require(Math.Max(Padding.Top, Padding.Bottom) < x[x.Rank - 2] && Math.Max(Padding.Left, Padding.Right) < x[x.Rank - 1], $"{x} is too small to be mirrored by {Padding}.");
        return x.With(x.Rank - 2, h).With(x.Rank - 1, w);
    }
}

/// <summary>Shifts elements cyclically along an axis, forward for a positive shift.</summary>
internal sealed record RollOp(int Axis, int Shift) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        inputs[0].Shape.Axis(Axis);
        return inputs[0].Shape;
    }
}

/// <summary>Chosen elements along an axis: element i of the result is element Indices[i] of the input.</summary>
internal sealed record GatherOp(int Axis, ImmutableArray<int> Indices) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        int axis = x.Axis(Axis), size = x[axis];
        // The message is made where it is needed: a relative position bias has a million indices.
        foreach (int i in Indices)
        {
            if ((uint)i >= (uint)size)
                throw new GraphException($"index {i} is outside the {size} along axis {axis} of {x}.");
        }
        return x.With(axis, Indices.Length);
    }

    /// <inheritdoc/>
    public bool Equals(GatherOp? other) => other is not null && Axis == other.Axis && Indices.SequenceEqual(other.Indices);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Axis, Indices.Length);
}

/// <summary>Repeats an input to a larger shape by broadcasting.</summary>
internal sealed record ExpandOp(Shape Target) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(Shape.Broadcast(inputs[0].Shape, Target) == Target, $"{inputs[0].Shape} does not expand to {Target}.");
        return Target;
    }
}
