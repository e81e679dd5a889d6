using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Normalisations and softmax.</content>
internal sealed partial class PlanBuilder<T>
{
    private ValueView BatchNorm(Node node, BatchNormOp op)
    {
        (float[] scale, float[] shift) = Affine(node, op);
        int axis = node.Shape.Axis(op.Axis);
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), axis);
        UnaryOp? activation = TakeActivation(ref node);
        ValueView result = ResultLike(node, input);
        Add(new ChannelAffineStep<T>(input, PadColumns(scale), PadColumns(shift), activation, result), result, input);
        return _values[node] = result;
    }

    /// <summary>A batch normalisation as factors and shifts of its channels.</summary>
    private (float[] Scale, float[] Shift) Affine(Node node, BatchNormOp op)
    {
        (float[] weight, float[] bias, float[] mean, float[] variance) = (Values(node, 1), Values(node, 2), Values(node, 3), Values(node, 4));
        float[] scale = [.. weight.Zip(variance, (w, v) => (float)(w / Math.Sqrt(v + op.Eps)))];
        float[] shift = [.. bias.Select((b, c) => (float)(b - (double)mean[c] * scale[c]))];
        return (scale, shift);
    }

    private ValueView LayerNorm(Node node, RowNorm kind, int axis, float eps)
    {
        axis = node.Shape.Axis(axis);
        int columns = node.Shape[axis];
        float[] scale = node.Inputs.Length > 1 ? Values(node, 1) : Filled(columns, 1), shift = node.Inputs.Length > 2 ? Values(node, 2) : Filled(columns, 0);
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), axis), result = ResultLike(node, input);
        Add(new RowNormStep<T>(kind, eps, input, PadColumns(scale), PadColumns(shift), result), result, input);
        return result;
    }

    private ValueView GroupNorm(Node node, GroupNormOp op)
    {
        AlignedBuffer scale = PadColumns(Values(node, 1)), shift = PadColumns(Values(node, 2));
        ValueView input = PixelRows(Value(node.Inputs[0]));
        UnaryOp? activation = TakeActivation(ref node);
        ValueView result = MapResult(node);
        Add(new GroupNormStep<T>(op.Groups, op.Eps, input, scale, shift, activation, result), result, input);
        return _values[node] = result;
    }

    private ValueView Softmax(Node node, SoftmaxOp op)
    {
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), node.Shape.Axis(op.Axis)), result = ResultLike(node, input);
        Add(new SoftmaxStep<T>(input, result), result, input);
        return result;
    }

    private static float[] Filled(int length, float value)
    {
        var values = new float[length];
        Array.Fill(values, value);
        return values;
    }
}
