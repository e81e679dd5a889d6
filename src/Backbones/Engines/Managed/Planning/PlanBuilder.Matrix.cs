using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Linear layers, matrix products and attention.</content>
internal sealed partial class PlanBuilder<T>
{
    private ValueView Linear(Node node, LinearOp op)
    {
        Shape weight = node.Inputs[1].Shape;
        ReadOnlySpan<float> bias = op.HasBias ? Values(node, 2) : default;
        ValueView input = LastAxisRows(Value(node.Inputs[0]));
        ValueView? residual = op.Epilogue is { AddsResidual: true } ? LastAxisRows(Value(node.Inputs[^1]), wholeVectors: true) : null;
        ValueView result = Allocate(node.Shape.Dimensions, [.. Enumerable.Range(0, node.Shape.Rank)]);
        var packed = Weights(new PackedMatrix<T>(Filters(node.Inputs[1]), [.. Enumerable.Range(0, weight[1])], weight[0], 1, bias, PackedTo, _packing));
        Add(new ProductStep<T>(input, packed, result, new ProductEpilogue<T>(residual, op.Epilogue?.Activation)), result, input, residual);
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

    /// <summary>The product with the inputs of all steps at once, as any linear layer; then the steps, one after another.</summary>
    private ValueView Lstm(Node node)
    {
        int hidden = node.Shape[^1] / 2, channels = node.Inputs[0].Shape[^1];
        float[] weights = [.. Values(node, 1), .. Values(node, 5)];
        float[] bias = [.. Values(node, 3).Zip(Values(node, 4), (a, b) => a + b), .. Values(node, 7).Zip(Values(node, 8), (a, b) => a + b)];
        int[] rowMajor = [.. Enumerable.Range(0, node.Shape.Rank)];
        ValueView input = LastAxisRows(Value(node.Inputs[0])), gates = Allocate(node.Shape.With(node.Shape.Rank - 1, 8 * hidden).Dimensions, rowMajor), result = Allocate(node.Shape.Dimensions, rowMajor);
        var packed = Weights(new PackedMatrix<T>(RowScaled.Of(weights), [.. Enumerable.Range(0, channels)], 8 * hidden, 1, bias, PackedTo, _packing));
        Add(new ProductStep<T>(input, packed, gates, new ProductEpilogue<T>(null, null)), gates, input);
        var recurrent = new PackedMatrix<T>(RowScaled.Of([.. Values(node, 2), .. Values(node, 6)]), [.. Enumerable.Range(0, hidden)], 4 * hidden, 2, default, _weights, _packing);
        Add(new LstmStep<T>(gates, recurrent, result), result, gates);
        return result;
    }

    private ValueView Attention(Node node, AttentionOp op)
    {
        int last = node.Shape.Rank - 1;
        ValueView q = ContiguousAlong(Value(node.Inputs[0]), last), k = ContiguousAlong(Value(node.Inputs[1]), last), v = ContiguousAlong(Value(node.Inputs[2]), last);
        ValueView? mask = op.HasMask ? ContiguousAlong(Value(node.Inputs[3]), node.Inputs[3].Shape.Rank - 1) : null;
        // Heads next to each other where the queries have them so: joining them to tokens is then a view.
        ValueView result = Allocate(node.Shape.Dimensions, Order(q));
        Add(new AttentionStep<T>(op.Scale, q, k, v, mask, result), result, q, k, v, mask);
        return result;
    }
}
