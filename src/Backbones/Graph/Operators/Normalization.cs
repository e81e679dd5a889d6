using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>(x - mean) / sqrt(var + eps) · weight + bias by channel (axis 0 of a map, the last of a vector's or tokens'): inputs x, weight, bias, running_mean, running_var.</summary>
internal sealed record BatchNormOp(float Eps, int Axis = 0) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(inputs.Length == 5, $"expected 5 inputs, received {inputs.Length}.");
        int channels = x[x.Axis(Axis)];
        foreach (Node p in inputs.AsSpan()[1..])
            Require(p.Shape == [channels], $"expected statistics and scales of {channels} channels, received {p.Shape}.");
        return x;
    }
}

/// <summary>Normalises over <see cref="Axis"/> (-1: the last, channels of tokens; 0: channels of a map, timm's LayerNorm2d): inputs x, weight, bias or x alone.</summary>
internal sealed record LayerNormOp(int Axis, float Eps) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs) => NormShape(inputs, Axis, biased: true);

    internal static Shape NormShape(ImmutableArray<Node> inputs, int axis, bool biased)
    {
        Shape x = inputs[0].Shape;
        int affine = biased ? 3 : 2, channels = x[x.Axis(axis)];
        Require(inputs.Length == 1 || inputs.Length == affine, $"expected 1 or {affine} inputs, received {inputs.Length}.");
        foreach (Node p in inputs.AsSpan()[1..])
            Require(p.Shape == [channels], $"expected scales of {channels} channels, received {p.Shape}.");
        return x;
    }
}

/// <summary>x / sqrt(mean(x²) + eps) · weight over <see cref="Axis"/>; with <see cref="Centered"/> x / sqrt(var(x) + eps) · weight, the variance with the sample's denominator n - 1 (timm's SimpleNorm): inputs x, weight or x alone.</summary>
internal sealed record RmsNormOp(int Axis, float Eps, bool Centered = false) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs) => LayerNormOp.NormShape(inputs, Axis, biased: false);
}

/// <summary>Normalises each group of channels over its map: x <c>[C, H, W]</c> (or <c>[C]</c>), weight <c>[C]</c>, bias <c>[C]</c>.</summary>
internal sealed record GroupNormOp(int Groups, float Eps) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(inputs.Length == 3, $"expected 3 inputs, received {inputs.Length}.");
        Require(x.Rank >= 1, $"expected channels first, received {x}.");
        Require(Groups > 0 && x[0] % Groups == 0, $"{x[0]} channels do not divide into {Groups} groups.");
        foreach (Node p in inputs.AsSpan()[1..])
            Require(p.Shape == [x[0]], $"expected scales of {x[0]} channels, received {p.Shape}.");
        return x;
    }
}

/// <summary>e^x / Σ e^x along an axis.</summary>
internal sealed record SoftmaxOp(int Axis) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        inputs[0].Shape.Axis(Axis);
        return inputs[0].Shape;
    }
}
