using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Normalisations, softmax, matrix products and attention.</content>
internal sealed partial class PlanBuilder<T>
{
    private ValueView BatchNorm(Node node, BatchNormOp op)
    {
        if (node.Inputs.Skip(1).Any(p => ConstantOf(p) is null))
            return Fallback(node);
        (float[] weight, float[] bias, float[] mean, float[] variance) = (Values(node, 1), Values(node, 2), Values(node, 3), Values(node, 4));
        float[] scale = [.. weight.Zip(variance, (w, v) => (float)(w / Math.Sqrt(v + op.Eps)))];
        float[] shift = [.. bias.Select((b, c) => (float)(b - (double)mean[c] * scale[c]))];
        int axis = node.Shape.Axis(op.Axis);
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), axis);
        Node? activation = OnlyUser(node) is { Operator: UnaryOp } user ? user : null;
        ValueView result = ResultLike(activation ?? node, input);
        Add(new ChannelAffineStep<T>(input, PadColumns(scale), PadColumns(shift), activation?.Operator as UnaryOp, result), result, input);
        if (activation is not null)
            _values[activation] = result;
        return result;
    }

    private ValueView LayerNorm(Node node, RowNorm kind, int axis, float eps)
    {
        axis = node.Shape.Axis(axis);
        if (node.Inputs.Skip(1).Any(p => ConstantOf(p) is null))
            return Fallback(node);
        int columns = node.Shape[axis];
        float[] scale = node.Inputs.Length > 1 ? Values(node, 1) : Filled(columns, 1), shift = node.Inputs.Length > 2 ? Values(node, 2) : Filled(columns, 0);
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), axis), result = ResultLike(node, input);
        Add(new RowNormStep<T>(kind, eps, input, PadColumns(scale), PadColumns(shift), result), result, input);
        return result;
    }

    private ValueView GroupNorm(Node node, GroupNormOp op)
    {
        if (node.Inputs.Skip(1).Any(p => ConstantOf(p) is null) || node.Shape.Rank != 3)
            return Fallback(node);
        ValueView input = PixelRows(Value(node.Inputs[0])), result = MapResult(node);
        Add(new GroupNormStep<T>(op.Groups, op.Eps, input, PadColumns(Values(node, 1)), PadColumns(Values(node, 2)), result), result, input);
        return result;
    }

    private ValueView Softmax(Node node, SoftmaxOp op)
    {
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), node.Shape.Axis(op.Axis)), result = ResultLike(node, input);
        Add(new SoftmaxStep<T>(input, result), result, input);
        return result;
    }

    private ValueView MatMul(Node node, MatMulOp op)
    {
        ValueView left = Value(node.Inputs[0]), right = Value(node.Inputs[1]);
        left = ContiguousAlong(op.TransposeA ? SwapLast(left) : left, left.Dims.Length - 1);
        right = op.TransposeB ? SwapLast(right) : right;
        if (right.Strides[^1] != 1 && right.Strides[^2] != 1)
            right = ContiguousAlong(right, right.Dims.Length - 1);
        ValueView result = Allocate(node.Shape.Dimensions, [.. Enumerable.Range(0, node.Shape.Rank)]);
        Add(new MatMulStep<T>(left, right, result), result, left, right);
        return result;
    }

    private ValueView Attention(Node node, AttentionOp op)
    {
        int last = node.Shape.Rank - 1;
        ValueView q = ContiguousAlong(Value(node.Inputs[0]), last), k = ContiguousAlong(Value(node.Inputs[1]), last), v = ContiguousAlong(Value(node.Inputs[2]), last);
        ValueView? mask = op.HasMask ? ContiguousAlong(Value(node.Inputs[3]), node.Inputs[3].Shape.Rank - 1) : null;
        if (mask is not null && (mask.Dims.Length < 2 || mask.Dims[^1] != k.Dims[^2]))
            return Fallback(node);
        // Heads next to each other where the queries have them so: joining them to tokens is then a view.
        ValueView result = Allocate(node.Shape.Dimensions, Order(q));
        Add(new AttentionStep<T>(op.Scale, q, k, v, mask, result), result, q, k, v, mask);
        return result;
    }

    private static ValueView SwapLast(ValueView view)
    {
        int[] dims = [.. view.Dims];
        long[] strides = [.. view.Strides];
        (dims[^1], dims[^2]) = (dims[^2], dims[^1]);
        (strides[^1], strides[^2]) = (strides[^2], strides[^1]);
        return new ValueView(view.Storage, view.Offset, dims, strides);
    }

    /// <summary>The value contiguous along an axis and in memory that may be read beyond a row; a copy where it is not.</summary>
    private ValueView ContiguousAlong(ValueView view, int axis)
    {
        if (view.Strides[axis] == 1 && view.Storage.Kind is StorageKind.Arena or StorageKind.Constant && Order(view)[^1] == axis)
            return view;
        ValueView copy = Allocate(view.Dims, [.. Enumerable.Range(0, view.Dims.Length).Where(a => a != axis), axis]);
        Copy(view, copy);
        return copy;
    }

    private float[] Values(Node node, int input) => ConstantOf(node.Inputs[input])!.Value.Data;

    private AlignedBuffer PadColumns(float[] values)
    {
        var buffer = Own(new AlignedBuffer(RoundUp(values.Length)));
        values.CopyTo(buffer.Span);
        return buffer;
    }

    private static float[] Filled(int length, float value)
    {
        var values = new float[length];
        Array.Fill(values, value);
        return values;
    }

    /// <summary>The node that alone uses this one's value; null where there are several, or the value is an output.</summary>
    private Node? OnlyUser(Node node) => _users.TryGetValue(node, out List<Node>? users) && users.Count == 1 && !_graph.Outputs.Contains(node) ? users[0] : null;
}
