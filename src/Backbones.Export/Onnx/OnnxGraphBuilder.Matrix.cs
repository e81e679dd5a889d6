using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Matrix products and attention.</content>
internal sealed partial class OnnxGraphBuilder
{
    private string MatMul(Node n, MatMulOp op)
        => Op("MatMul", [Matrix(n.Inputs[0], n.Shape.Rank, op.TransposeA), Matrix(n.Inputs[1], n.Shape.Rank, op.TransposeB)]);

    private string Matrix(Node n, int rank, bool transpose)
    {
        string matrix = Aligned(n, rank);
        if (!transpose)
            return matrix;
        int[] axes = [.. Enumerable.Range(0, n.IsBatched ? rank + 1 : n.Shape.Rank)];
        (axes[^1], axes[^2]) = (axes[^2], axes[^1]);
        return Op("Transpose", [matrix], OnnxAttribute.Integers("perm", axes));
    }

    private string Attention(Node n, AttentionOp op)
    {
        int rank = n.Shape.Rank;
        string scores = Op("MatMul", [Times(Value(n.Inputs[0]), op.Scale), Matrix(n.Inputs[1], rank, transpose: true)]);
        if (op.HasMask)
            scores = Op("Add", [scores, Aligned(n.Inputs[3], rank)]);
        return Op("MatMul", [Op("Softmax", [scores], OnnxAttribute.Integer("axis", -1)), Value(n.Inputs[2])]);
    }
}
