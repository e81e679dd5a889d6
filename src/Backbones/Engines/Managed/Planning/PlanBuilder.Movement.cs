using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Operators that move elements and cannot be views.</content>
internal sealed partial class PlanBuilder<T>
{
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

    private ValueView Expand(Node node)
    {
        ValueView input = Value(node.Inputs[0]);
        ValueView result = Allocate(node.Shape);
        Copy(Broadcast(input, result, -1), result);
        return result;
    }

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

    private ValueView Resize(Node node, ResizeOp op)
    {
        Shape x = node.Inputs[0].Shape;
        if (x.Rank != 3)
            return Fallback(node);
        ValueView input = ChannelsLast(Value(node.Inputs[0])), result = MapResult(node);
        Add(new ResizeStep<T>(ReferenceKernels.ResizeTaps(x[1], op.H, op), ReferenceKernels.ResizeTaps(x[2], op.W, op), input, result), result, input);
        return result;
    }

    private ValueView PRelu(Node node)
    {
        if (ConstantOf(node.Inputs[1]) is not { } slopes)
            return Fallback(node);
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), 0), result = ResultLike(node, input);
        float[] slope = slopes.Data.Length == 1 ? Filled(node.Shape[0], slopes.Data[0]) : slopes.Data;
        AlignedBuffer padded = PadColumns(slope);
        var dims = new int[node.Shape.Rank];
        Array.Fill(dims, 1);
        dims[0] = slope.Length;
        long[] strides = new long[dims.Length];
        strides[0] = 1;
        var view = new ValueView(new Storage(StorageKind.Constant, 0) { Constant = padded }, 0, result.Dims, strides);
        Add(new BinaryStep<T>(ElementFunction.PRelu, input, view, result), result, input);
        return result;
    }
}
