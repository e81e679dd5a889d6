using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Shapes and places of elements. The batch is the first dimension of every value that depends on the input.</content>
internal sealed partial class ScriptBuilder
{
    /// <summary>The batch is what is left.</summary>
    private static string Reshape(string x, IEnumerable<int> shape) => Call("reshape", x, ScriptText.Integers([-1, .. shape]));

    /// <param name="x">A value with batch.</param>
    /// <param name="axes">Those behind the batch, which stays first.</param>
    private static string Permute(string x, IEnumerable<int> axes) => Call("permute", x, ScriptText.Integers([0, .. axes]));

    /// <summary>
    /// A value ready for broadcasting against items of this rank: dimensions of size 1 between the batch and the item's.
    /// Values without batch broadcast as they are.
    /// </summary>
    private string Aligned(Node n, int rank)
        => n.IsBatched && n.Shape.Rank < rank ? Reshape(Value(n), [.. Enumerable.Repeat(1, rank - n.Shape.Rank), .. n.Shape]) : Value(n);

    /// <summary>A value without batch, once for every item of the batch, without memory.</summary>
    private string RepeatForBatch(Node n) => Call("expand", Value(n), $"[{string.Join(", ", [BatchSize(), .. n.Shape.Select(d => $"{d}")])}]");

    private string Batched(Node n) => n.IsBatched ? Value(n) : RepeatForBatch(n);

    private string Concat(Node n, ConcatOp op) => Call("cat", $"[{string.Join(", ", n.Inputs.Select(Batched))}]", $"{BatchedAxis(n, op.Axis)}");

    private string Slice(Node n, SliceOp op)
        => Call("slice", Value(n.Inputs[0]), $"{BatchedAxis(n, op.Axis)}", $"{op.Start}", $"{op.Start + (op.Length - 1) * op.Step + 1}", $"{op.Step}");

    /// <summary>The indices are a literal: as a buffer they would change type with the module.</summary>
    private string Gather(Node n, GatherOp op)
    {
        string x = Value(n.Inputs[0]);
        return Call("index_select", x, $"{BatchedAxis(n, op.Axis)}", $"torch.tensor({ScriptText.Integers(op.Indices)}, dtype=4, device=ops.prim.device({x}))");
    }

    private string Pad2d(Node n, Pad2dOp op) => AsMaps(n, x => op.Mode switch
    {
        PadMode.Constant => Pad(x, op.Padding, op.Value),
        PadMode.Reflect => Call("pad", x, Border(op.Padding), "\"reflect\""),
        PadMode.Replicate => Call("pad", x, Border(op.Padding), "\"replicate\""),
        _ => throw new NotSupportedException($"The TorchScript exporter has no mapping for padding mode {op.Mode} (node '{n.Name}')."),
    });

    private static string Pad(string x, Padding p, float value = 0) => Call("constant_pad_nd", x, Border(p), ScriptText.Number(value));

    /// <summary>PyTorch's order of a border: the last dimension first.</summary>
    private static string Border(Padding p) => ScriptText.Integers(p.Left, p.Right, p.Top, p.Bottom);

    /// <summary>Applies a function of <c>[N, C, H, W]</c> to a value of any rank whose last two dimensions are the map.</summary>
    private string AsMaps(Node n, Func<string, string> function)
    {
        Shape x = n.Inputs[0].Shape;
        if (x.Rank == 3)
            return function(Value(n.Inputs[0]));
        int maps = (int)(x.Length / (x[^2] * x[^1]));
        return Reshape(function(Reshape(Value(n.Inputs[0]), [maps, x[^2], x[^1]])), n.Shape);
    }
}
