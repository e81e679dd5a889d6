using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Functions of elements.</content>
internal sealed partial class PlanBuilder<T>
{
    private ValueView Unary(Node node, UnaryOp op)
    {
        ValueView input = Contiguous(Value(node.Inputs[0]));
        ValueView result = ResultLike(node, input);
        Add(new UnaryStep<T>(op, input, result), result, input);
        return result;
    }

    private ValueView Binary(Node node, BinaryOp op)
    {
        if (op.Kind == BinaryKind.Multiply && WeightedSum(node) is { } sum)
            return sum;
        ValueView left = Value(node.Inputs[0]), right = Value(node.Inputs[1]);
        // The result lies as the operand that it has the shape of does.
        ValueView? model = IsModel(node.Inputs[0], left) ? left : IsModel(node.Inputs[1], right) ? right : null;
        UnaryOp? activation = TakeActivation(ref node);
        ValueView result = model is null ? Allocate(node.Shape) : ResultLike(node, model);
        int inner = Array.FindLastIndex(result.Strides, s => s == 1);
        (left, right) = (Broadcast(left, result, inner), Broadcast(right, result, inner));
        Add(new BinaryStep<T>(FunctionOf(op.Kind), left, right, activation, result), result, left, right);
        return _values[node] = result;

        bool IsModel(Node operand, ValueView view) => operand.IsBatched && operand.Shape == node.Shape && !view.IsRepeated;
    }

    private static ElementFunction FunctionOf(BinaryKind kind) => kind switch
    {
        BinaryKind.Add => ElementFunction.Add,
        BinaryKind.Subtract => ElementFunction.Subtract,
        BinaryKind.Multiply => ElementFunction.Multiply,
        BinaryKind.Divide => ElementFunction.Divide,
        BinaryKind.Max => ElementFunction.Max,
        BinaryKind.Min => ElementFunction.Min,
        _ => throw new NotSupportedException($"The managed engine has no kernel for {kind}."),
    };

    private ValueView PRelu(Node node)
    {
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), 0), result = ResultLike(node, input);
        float[] slopes = Values(node, 1);
        AlignedBuffer padded = PadColumns(slopes.Length == 1 ? Filled(node.Shape[0], slopes[0]) : slopes);
        long[] strides = new long[node.Shape.Rank];
        strides[0] = 1;
        var view = new ValueView(new Storage(StorageKind.Constant, 0) { Constant = padded }, 0, result.Dims, strides);
        Add(new BinaryStep<T>(ElementFunction.PRelu, input, view, null, result), result, input);
        return result;
    }
}
