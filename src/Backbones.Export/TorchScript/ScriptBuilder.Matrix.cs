using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Linear layers, matrix products and attention.</content>
internal sealed partial class ScriptBuilder
{
    private string Linear(Node n, LinearOp op) => Finish(n, op.Epilogue, Call("linear", Value(n.Inputs[0]), Parameter(n.Inputs[1]), Bias(n, op.HasBias)));

    private string MatMul(Node n, MatMulOp op)
    {
        return Call("matmul", Matrix(n.Inputs[0], op.TransposeA), Matrix(n.Inputs[1], op.TransposeB));

        string Matrix(Node x, bool transpose) => transpose ? Call("transpose", Aligned(x, n.Shape.Rank), "-2", "-1") : Aligned(x, n.Shape.Rank);
    }

    private string Lstm(Node n)
    {
        (int length, int channels, int hidden) = (n.Shape[^2], n.Inputs[0].Shape[^1], n.Shape[^1] / 2);
        string x = Assign("_sequences", Reshape(Value(n.Inputs[0]), [length, channels]));
        string start = Assign("_start", Call("new_zeros", x, $"[2, {Call("size", x, "0")}, {hidden}]"));
        string weights = string.Join(", ", n.Inputs.Skip(1).Select(w => Parameter(w)));
        string states = ScriptText.Unique("_states", _names);
        Line($"{states}, {ScriptText.Unique("_state", _names)}, {ScriptText.Unique("_cell", _names)}, = {Call("lstm", x, $"[{start}, {start}]", $"[{weights}]", "True", "1", "0.", "False", "True", "True")}");
        return Reshape(states, n.Shape);
    }

    private string Attention(Node n, AttentionOp op)
    {
        // The fused kernels take [N, heads, L, d]: further leading dimensions become part of the batch where no mask tells them apart.
        int rank = n.Inputs[0].Shape.Rank;
        bool merge = !op.HasMask && rank > 3;
        string y = Call("scaled_dot_product_attention", Operand(0), Operand(1), Operand(2), op.HasMask ? Mask(n.Inputs[3], rank) : "None", "0.", "False", $"scale={ScriptText.Number(op.Scale)}");
        return merge ? Reshape(y, n.Shape) : y;

        string Operand(int i) => merge ? Reshape(Batched(n.Inputs[i]), n.Inputs[i].Shape.Skip(rank - 3)) : Batched(n.Inputs[i]);
    }

    /// <summary>The fused kernels do not broadcast a mask's rank: ones in front, or behind the batch.</summary>
    private string Mask(Node mask, int rank)
        => mask.IsBatched ? Aligned(mask, rank) : Call("reshape", Value(mask), ScriptText.Integers([.. Enumerable.Repeat(1, rank + 1 - mask.Shape.Rank), .. mask.Shape]));
}
