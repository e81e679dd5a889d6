using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Pooling and reductions.</content>
internal sealed partial class PlanBuilder<T>
{
    /// <summary>Marks an axis that the result has not, or with size 1.</summary>
    private const int Reduced = -1;

    private ValueView Pool(Node node)
    {
        Shape x = node.Inputs[0].Shape, y = node.Shape;
        if (node.Operator is AdaptiveAvgPool2dOp { H: 1, W: 1 })
            return Reduce(node, Value(node.Inputs[0]), null, ReduceKind.Mean, [0, Reduced, Reduced], (long)x[1] * x[2]);
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
        Add(new PoolStep<T>(node.Operator is MaxPool2dOp, lines, columns, input, result), result, input);
        return result;
    }

    private ValueView Reduce(Node node, ReduceOp op)
    {
        (Node source, Shape shape) = (node.Inputs[0], node.Inputs[0].Shape);
        int[] places = Places(op, shape);
        long divisor = op.Kind == ReduceKind.Sum ? 1 : Count(shape, places);
        // A sum of sums (the mean over pixels of the sum of splits) is one sum: the map between is never written.
        if (op.Kind is ReduceKind.Sum or ReduceKind.Mean && OnlyUser(node) is { Operator: ReduceOp { Kind: ReduceKind.Sum or ReduceKind.Mean } next } user)
        {
            int[] then = Places(next, node.Shape);
            if (next.Kind == ReduceKind.Mean)
                divisor *= Count(node.Shape, then);
            places = [.. places.Select(p => p == Reduced ? p : then[p])];
            node = user;
        }
        return _values[node] = Reduce(node, Value(source), null, op.Kind is ReduceKind.Sum ? ReduceKind.Mean : op.Kind, places, divisor);
    }

    /// <summary>A product that is only summed (splits or experts by their shares): one step adds the slices where they lie. Null for any other product.</summary>
    private ValueView? WeightedSum(Node product)
    {
        if (OnlyUser(product) is not { Operator: ReduceOp { Kind: ReduceKind.Sum or ReduceKind.Mean } op } user)
            return null;
        (Node whole, Node shares) = product.Inputs[0].Shape == product.Shape ? (product.Inputs[0], product.Inputs[1]) : (product.Inputs[1], product.Inputs[0]);
        if (whole.Shape != product.Shape || !whole.IsBatched)
            return null;
        int[] places = Places(op, product.Shape);
        ValueView slices = Value(whole);
        if (slices.IsRepeated || slices.InnerAxis < 0 || places[slices.InnerAxis] == Reduced)
            return null;
        ValueView factors = Broadcast(Value(shares), slices, slices.InnerAxis);
        return _values[user] = Reduce(user, slices, factors, ReduceKind.Mean, places, op.Kind == ReduceKind.Mean ? Count(product.Shape, places) : 1);
    }

    /// <param name="node">The node whose value this is.</param>
    /// <param name="input">What is reduced.</param>
    /// <param name="factors">Factors with the input's dimensions, or null.</param>
    /// <param name="kind">How values are combined; <see cref="ReduceKind.Mean"/> is the sum over <paramref name="divisor"/>.</param>
    /// <param name="places">For each axis of the input that of the result, or <see cref="Reduced"/>.</param>
    /// <param name="divisor">What a sum is divided by.</param>
    private ValueView Reduce(Node node, ValueView input, ValueView? factors, ReduceKind kind, int[] places, long divisor)
    {
        if (input.IsRepeated)
            input = Contiguous(input);
        int inner = input.InnerAxis;
        int[] kept = Array.FindAll(Order(input), a => places[a] != Reduced), reduced = Array.FindAll(Order(input), a => places[a] == Reduced);
        // The result lies as what is kept of the input does.
        int[] last = Array.ConvertAll(kept, a => places[a]), order = [.. Enumerable.Range(0, node.Shape.Rank).Where(a => !last.Contains(a)), .. last];
        ValueView result = Result(node, order);
        bool isRun = inner < 0 || places[inner] == Reduced;
        if (isRun && !IsRun(input, reduced))
        {
            int[] memory = [.. kept, .. reduced], dims = [.. memory.Select(a => input.Dims[a])];
            long[] dense = RowMajorStrides(dims), strides = new long[dims.Length];
            for (int i = 0; i < memory.Length; i++)
                strides[memory[i]] = dense[i];
            var copy = new ValueView(new Storage(StorageKind.Arena, RoundUp(input.Length)), 0, input.Dims, strides);
            Copy(input, copy);
            input = copy;
        }
        ValueView aligned = Aligned(input, result, places);
        Add(isRun ? new RowReduceStep<T>(kind, divisor, input, aligned) : new SliceReduceStep<T>(kind, divisor, input, factors, aligned), result, input, factors);
        return result;
    }

    /// <summary>A result with the input's axes, those that are reduced with size 1.</summary>
    private static ValueView Aligned(ValueView input, ValueView result, int[] places)
    {
        int[] dims = [.. input.Dims];
        for (int axis = 0; axis < dims.Length; axis++)
        {
            if (places[axis] == Reduced)
                dims[axis] = 1;
        }
        return new ValueView(result.Storage, result.Offset, dims, Array.ConvertAll(places, p => p == Reduced ? 0 : result.Strides[p]));
    }

    /// <summary>Whether these axes, in the order of memory, lie without gaps.</summary>
    private static bool IsRun(ValueView view, int[] axes)
    {
        long stride = 1;
        foreach (int axis in axes.Reverse().Where(a => view.Dims[a] != 1))
        {
            if (view.Strides[axis] != stride)
                return false;
            stride *= view.Dims[axis];
        }
        return true;
    }

    private static int[] Places(ReduceOp op, Shape shape)
    {
        bool[] reduced = op.ReducedAxes(shape);
        int[] places = new int[reduced.Length];
        int next = 0;
        for (int axis = 0; axis < places.Length; axis++)
            places[axis] = reduced[axis] ? Reduced : op.KeepDims ? axis : next++;
        return places;
    }

    private static long Count(Shape shape, int[] places)
    {
        long count = 1;
        for (int axis = 0; axis < places.Length; axis++)
            count *= places[axis] == Reduced ? shape[axis] : 1;
        return count;
    }
}
