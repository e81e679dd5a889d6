using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <summary>One plain kernel for every operator.</summary>
internal static partial class ReferenceKernels
{
    /// <summary>Computes a node from its inputs' values.</summary>
    public static DenseTensor Run(Node node, DenseTensor[] x, int batch)
    {
        if (!node.IsBatched)
            batch = 1;
        var y = DenseTensor.Zeros(batch, node.Shape);
        switch (node.Operator)
        {
            case IdentityOp:
            case ReshapeOp: ForEachItem(batch, n => x[0].Item(n).CopyTo(y.ItemSpan(n))); break;
            case Conv2dOp op: Conv2d(op, x, y); break;
            case LinearOp op: Linear(op, x, y); break;
            case BatchNormOp op: BatchNorm(op, x, y); break;
            case LayerNormOp op: LayerNorm(op, x, y); break;
            case RmsNormOp op: RmsNorm(op, x, y); break;
            case GroupNormOp op: GroupNorm(op, x, y); break;
            case UnaryOp op: Unary(op, x[0], y); break;
            case BinaryOp op: Binary(op, x[0], x[1], y); break;
            case PReluOp: PRelu(x, y); break;
            case MaxPool2dOp op: MaxPool2d(op, x[0], y); break;
            case AvgPool2dOp op: AvgPool2d(op, x[0], y); break;
            case AdaptiveAvgPool2dOp: AdaptiveAvgPool2d(x[0], y); break;
            case ReduceOp op: Reduce(op, x[0], y); break;
            case MatMulOp op: MatMul(op, x[0], x[1], y); break;
            case LstmOp: Lstm(x, y); break;
            case SoftmaxOp op: Softmax(op, x[0], y); break;
            case AttentionOp op: Attention(op, x, y); break;
            case PermuteOp op: Permute(op, x[0], y); break;
            case ConcatOp op: Concat(op, x, y); break;
            case SliceOp op: Slice(op, x[0], y); break;
            case Pad2dOp op: Pad2d(op, x[0], y); break;
            case ResizeOp op: Resize(op, x[0], y); break;
            case RollOp op: Roll(op, x[0], y); break;
            case GatherOp op: Gather(op, x[0], y); break;
            case ExpandOp: Expand(x[0], y); break;
            default: throw new NotSupportedException($"The reference engine has no kernel for {node.Operator.GetType().Name} (node '{node.Name}').");
        }
        return y;
    }

    private static void ForEachItem(int batch, Action<int> body)
    {
        // One item: parameters, when a plan is made, whose first output would wait while .NET compiles the parallel loop.
        if (batch == 1)
            body(0);
        else
            Parallel.For(0, batch, body);
    }

    /// <summary>Sizes before, along and after an axis of one item.</summary>
    private static (int Outer, int Size, int Inner) Split(Shape shape, int axis)
    {
        int outer = 1, inner = 1;
        for (int i = 0; i < axis; i++)
            outer *= shape[i];
        for (int i = axis + 1; i < shape.Rank; i++)
            inner *= shape[i];
        return (outer, shape[axis], inner);
    }
}
