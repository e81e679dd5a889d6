using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Functions of elements, pooling and reductions.</content>
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
        ValueView left = Value(node.Inputs[0]), right = Value(node.Inputs[1]);
        // The result lies as the operand that it has the shape of does.
        ValueView? model = node.Inputs[0].Shape == node.Shape && node.Inputs[0].IsBatched ? left : node.Inputs[1].Shape == node.Shape ? right : null;
        ValueView result = model is null ? Allocate(node.Shape) : ResultLike(node, model);
        int inner = Array.FindLastIndex(result.Strides, s => s == 1);
        (left, right) = (Broadcast(left, result, inner), Broadcast(right, result, inner));
        Add(new BinaryStep<T>(FunctionOf(op.Kind), left, right, result), result, left, right);
        return result;
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

    /// <summary>The view with the result's dimensions, repeated axes with stride 0, contiguous or repeated along the innermost axis.</summary>
    private ValueView Broadcast(ValueView view, ValueView result, int inner)
    {
        ValueView Expand(ValueView v)
        {
            var strides = new long[result.Dims.Length];
            int missing = result.Dims.Length - v.Dims.Length;
            for (int i = missing; i < strides.Length; i++)
                strides[i] = v.Dims[i - missing] == 1 ? 0 : v.Strides[i - missing];
            return new ValueView(v.Storage, v.Offset, result.Dims, strides);
        }
        ValueView expanded = Expand(view);
        if (inner < 0 || result.Dims[inner] == 1 || expanded.Strides[inner] is 0 or 1)
            return expanded;
        int first = result.Dims.Length - view.Dims.Length;
        int[] order = [.. Enumerable.Range(0, view.Dims.Length).OrderByDescending(a => result.Strides[first + a])];
        ValueView copy = Allocate(view.Dims, order);
        Copy(view, copy);
        return Expand(copy);
    }

    private ValueView Pool(Node node)
    {
        Shape x = node.Inputs[0].Shape, y = node.Shape;
        (PoolWindow[] lines, PoolWindow[] columns) = node.Operator switch
        {
            MaxPool2dOp op => (PoolWindow.Max(y[1], x[1], op.Kernel.H, op.Stride.H, op.Padding.Top, op.Dilation.H),
                PoolWindow.Max(y[2], x[2], op.Kernel.W, op.Stride.W, op.Padding.Left, op.Dilation.W)),
            AvgPool2dOp op => (PoolWindow.Mean(y[1], x[1], op.Kernel.H, op.Stride.H, op.Padding.Top, op.Padding.Bottom, op.CountIncludePad),
                PoolWindow.Mean(y[2], x[2], op.Kernel.W, op.Stride.W, op.Padding.Left, op.Padding.Right, op.CountIncludePad)),
            _ => (PoolWindow.Adaptive(y[1], x[1]), PoolWindow.Adaptive(y[2], x[2])),
        };
        ValueView input = ChannelsLast(Value(node.Inputs[0]));
        ValueView result = MapResult(node);
        if (node.Operator is AdaptiveAvgPool2dOp { H: 1, W: 1 })
            return GlobalPool(ReduceKind.Mean, PixelRows(input), result);
        Add(new PoolStep<T>(node.Operator is MaxPool2dOp, lines, columns, input, result), result, input);
        return result;
    }

    private ValueView Reduce(Node node, ReduceOp op)
    {
        ValueView input = Value(node.Inputs[0]);
        bool[] reduced = op.ReducedAxes(node.Inputs[0].Shape);
        int[] axes = [.. Enumerable.Range(0, reduced.Length).Where(a => reduced[a])], kept = [.. Enumerable.Range(0, reduced.Length).Where(a => !reduced[a])];
        // Everything but one axis, which can be the contiguous one: sums of columns.
        if (op.Kind is ReduceKind.Mean or ReduceKind.Sum or ReduceKind.Max && kept.Length == 1 && axes.Any(a => input.Dims[a] > 1))
        {
            if (input.Storage.Kind != StorageKind.Arena || input.Strides[kept[0]] != 1 || input.Rows() is not { } rows || rows.Columns != input.Dims[kept[0]])
            {
                ValueView copy = Allocate(input.Dims, [.. axes, kept[0]]);
                Copy(input, copy);
                input = copy;
            }
            return GlobalPool(op.Kind, input, Allocate(node.Shape));
        }
        int run = axes.Aggregate(1, (n, a) => n * input.Dims[a]);
        if (axes.Length != 1 || input.Strides[axes[0]] != 1)
        {
            int[] order = [.. kept, .. axes], dims = [.. order.Select(a => input.Dims[a])];
            long[] dense = RowMajorStrides(dims), strides = new long[dims.Length];
            for (int i = 0; i < order.Length; i++)
                strides[order[i]] = dense[i];
            var copy = new ValueView(new Storage(StorageKind.Arena, RoundUp(input.Length)), 0, input.Dims, strides);
            Copy(input, copy);
            input = copy;
        }
        ValueView result = Allocate(node.Shape);
        Add(new RowReduceStep<T>(op.Kind, input, kept.Select((a, i) => (a, op.KeepDims ? a : i)), run, result), result, input);
        return result;
    }

    private ValueView GlobalPool(ReduceKind kind, ValueView input, ValueView result)
    {
        RowLayout rows = input.Rows() ?? throw new ArgumentException("The rows to pool must be equally far apart.", nameof(input));
        Add(new GlobalPoolStep<T>(kind, rows, input, result), result, input);
        return result;
    }

    /// <summary>The value with one contiguous axis; a row-major copy where it has none.</summary>
    private ValueView Contiguous(ValueView view)
    {
        if (view.Strides.AsSpan().Contains(1L))
            return view;
        ValueView copy = Allocate(view.Dims, RowMajorOrder(view.Dims));
        Copy(view, copy);
        return copy;
    }
}
