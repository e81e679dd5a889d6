using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Shapes and places of elements. The batch is the first dimension of every value that depends on the input.</content>
internal sealed partial class OnnxGraphBuilder
{
    /// <summary>
    /// A border of zeros before a pool. ONNX Runtime (1.30 for one) makes a border of +0 the padding of the pool behind it, where it counts
    /// as minus infinity (MaxPool) or not at all (AveragePool); any other value, -0 too, it leaves alone.
    /// </summary>
    private const float PooledZero = -0f;

    /// <summary>0 stands for the dimension as it is: the batch.</summary>
    private string Reshape(string x, IEnumerable<int> shape) => Op("Reshape", [x, Integers([0, .. shape])]);

    /// <summary>Transposes the axes of an item.</summary>
    private string Transpose(string x, IEnumerable<int> axes) => Op("Transpose", [x], OnnxAttribute.Integers("perm", [0, .. axes.Select(a => a + 1)]));

    /// <summary>
    /// A value ready for broadcasting against items of this rank: dimensions of size 1 between the batch and the item's.
    /// Values without batch broadcast as they are.
    /// </summary>
    private string Aligned(Node n, int rank)
        => n.IsBatched && n.Shape.Rank < rank ? Reshape(Value(n), [.. Enumerable.Repeat(1, rank - n.Shape.Rank), .. n.Shape]) : Value(n);

    /// <summary>A value without batch, once for every item of the batch.</summary>
    private string RepeatForBatch(Node n)
        => Op("Expand", [Value(n), Op("Concat", [BatchSize(), Integers([.. n.Shape])], OnnxAttribute.Integer("axis", 0))]);

    private string Concat(Node n, ConcatOp op)
        => Op("Concat", [.. n.Inputs.Select(i => i.IsBatched ? Value(i) : RepeatForBatch(i))], OnnxAttribute.Integer("axis", BatchedAxis(n, op.Axis)));

    private string Slice(string x, int axis, int start, int end, int step = 1)
        => Op("Slice", [x, Integers(start), Integers(end), Integers(axis), Integers(step)]);

    private string Gather(string x, int axis, IReadOnlyList<int> indices) => Op("Gather", [x, Integers(indices)], OnnxAttribute.Integer("axis", axis));

    private string Roll(Node n, RollOp op)
    {
        int axis = BatchedAxis(n, op.Axis), size = n.Shape[axis - 1];
        int shift = (op.Shift % size + size) % size;
        string x = Value(n.Inputs[0]);
        return shift == 0 ? x : Op("Concat", [Slice(x, axis, size - shift, size), Slice(x, axis, 0, size - shift)], OnnxAttribute.Integer("axis", axis));
    }

    private string Pad2d(Node n, Pad2dOp op)
    {
        bool isPooled = _graph.Nodes.Any(p => p.Operator is MaxPool2dOp or AvgPool2dOp && p.Inputs[0] == n);
        float value = op.Value == 0 && isPooled ? PooledZero : op.Value;
        return Pad(Value(n.Inputs[0]), n.Shape.Rank, op.Padding, value, op.Mode switch
        {
            PadMode.Constant => "constant",
            PadMode.Reflect => "reflect",
            PadMode.Replicate => "edge",
            _ => throw new NotSupportedException($"The ONNX exporter has no mapping for padding mode {op.Mode} (node '{n.Name}')."),
        });
    }

    /// <summary>A border around the last two of an item's dimensions.</summary>
    private string Pad(string x, int rank, Padding p, float value, string mode = "constant")
    {
        // Begins of all axes, then ends of all axes.
        int[] untouched = new int[rank - 1];
        string[] inputs = [x, Integers([.. untouched, p.Top, p.Left, .. untouched, p.Bottom, p.Right])];
        return Op("Pad", mode == "constant" ? [.. inputs, Scalar(value)] : inputs, OnnxAttribute.Text("mode", mode));
    }
}
