using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Operators that move elements; where they can be they are views.</content>
internal sealed partial class PlanBuilder<T>
{
    private ValueView Permute(Node node, PermuteOp op)
    {
        ValueView x = Value(node.Inputs[0]);
        return new ValueView(x.Storage, x.Offset, node.Shape.Dimensions, [.. op.Axes.Select(a => x.Strides[a])]);
    }

    private ValueView Slice(Node node, SliceOp op)
    {
        ValueView x = Value(node.Inputs[0]);
        int axis = node.Inputs[0].Shape.Axis(op.Axis);
        long[] strides = [.. x.Strides];
        strides[axis] *= op.Step;
        return new ValueView(x.Storage, x.Offset + op.Start * x.Strides[axis], node.Shape.Dimensions, strides);
    }

    private ValueView Reshape(Node node)
    {
        ValueView x = Value(node.Inputs[0]);
        if (TryReshape(x, node.Shape) is { } view)
            return view;
        // Merged axes must lie without gaps: a row-major copy, without padding unless the last axis stays as it is. Repeated axes that
        // merge with no other stay repeated.
        bool padded = node.Shape.Rank > 0 && x.Dims.Length > 0 && x.Dims[^1] > 1 && node.Shape[node.Shape.Rank - 1] == x.Dims[^1];
        int[] repeated = [.. Enumerable.Range(0, x.Dims.Length).Where(a => x.Dims[a] > 1 && x.Strides[a] == 0)];
        for (int first = 0; first <= repeated.Length; first++)
        {
            ReadOnlySpan<int> stay = repeated.AsSpan(first);
            int[] dims = [.. x.Dims];
            foreach (int axis in stay)
                dims[axis] = 1;
            ValueView once = padded
                ? Allocate(dims, RowMajorOrder(dims))
                : new ValueView(new Storage(StorageKind.Arena, RoundUp(dims.Aggregate(1L, (n, d) => n * d))), 0, dims, RowMajorStrides(dims));
            long[] strides = [.. once.Strides];
            foreach (int axis in stay)
                strides[axis] = 0;
            if (TryReshape(new ValueView(once.Storage, 0, x.Dims, strides), node.Shape) is not { } reshaped)
                continue;
            Copy(new ValueView(x.Storage, x.Offset, dims, x.Strides), once);
            return reshaped;
        }
        throw new InvalidOperationException($"A row-major copy of [{string.Join(", ", x.Dims.Select(d => $"{d}"))}] has no view {node.Shape}.");
    }

    private ValueView Concat(Node node, ConcatOp op)
    {
        int axis = node.Shape.Axis(op.Axis);
        ValueView[] inputs = [.. node.Inputs.Select(Value)];
        if (!_destinations.TryGetValue(node, out ValueView? result))
        {
            ValueView model = inputs.FirstOrDefault(v => v.Storage.Kind == StorageKind.Arena) ?? inputs[0];
            result = IsChannelsLast(model) ? AllocateMap(node.Shape) : Allocate(node.Shape.Dimensions, Order(model));
        }
        int start = 0;
        foreach (ValueView input in inputs)
        {
            ValueView part = Part(result, axis, start, input.Dims[axis]);
            if (input.Storage != part.Storage || input.Offset != part.Offset)
                Copy(input, part);
            start += input.Dims[axis];
        }
        return result;
    }

    private ValueView Expand(Node node) => Repeat(Value(node.Inputs[0]), node.Shape.Dimensions);

    private ValueView Pad(Node node, Pad2dOp op)
    {
        Shape x = node.Inputs[0].Shape;
        var tables = new int[]?[x.Rank];
        tables[^2] = Border(x[x.Rank - 2], node.Shape[x.Rank - 2], op.Padding.Top);
        tables[^1] = Border(x[x.Rank - 1], node.Shape[x.Rank - 1], op.Padding.Left);
        return Remap(node, tables, op.Value);

        int[] Border(int size, int padded, int before) => [.. Enumerable.Range(-before, padded).Select(i => (uint)i < (uint)size ? i : op.Mode switch
        {
            PadMode.Replicate => Math.Clamp(i, 0, size - 1),
            PadMode.Reflect => i < 0 ? -i : 2 * (size - 1) - i,
            _ => -1,
        })];
    }

    private ValueView Roll(Node node, RollOp op)
    {
        int axis = node.Shape.Axis(op.Axis), size = node.Shape[axis];
        var tables = new int[]?[node.Shape.Rank];
        tables[axis] = [.. Enumerable.Range(0, size).Select(i => ((i - op.Shift) % size + size) % size)];
        return Remap(node, tables, 0);
    }

    private ValueView Gather(Node node, GatherOp op)
    {
        var tables = new int[]?[node.Shape.Rank];
        tables[node.Shape.Axis(op.Axis)] = [.. op.Indices];
        return Remap(node, tables, 0);
    }

    private ValueView Remap(Node node, int[]?[] tables, float constant)
    {
        ValueView input = Value(node.Inputs[0]);
        ValueView result = Allocate(node.Shape.Dimensions, Order(input));
        Add(new RemapStep<T>(input, result, tables, constant), result, input);
        return result;
    }
}
