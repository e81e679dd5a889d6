using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Linear layers, matrix products and attention.</content>
internal sealed partial class OnnxGraphBuilder
{
    private string Linear(Node n, LinearOp op)
    {
        (Node x, Node weight) = (n.Inputs[0], n.Inputs[1]);
        string[] bias = op.HasBias ? [Parameter(n.Inputs[2])] : [];
        if (x.Shape.Rank == 1)
            return Finish(n, op.Epilogue, Op("Gemm", [Value(x), Parameter(weight), .. bias], OnnxAttribute.Integer("transB", 1)));
        string product = Op("MatMul", [Value(x), TransposedWeight(weight)]);
        return Finish(n, op.Epilogue, op.HasBias ? Op("Add", [product, .. bias]) : product);
    }

    /// <summary>ONNX's MatMul takes <c>[in, out]</c>; stored that way, no runtime has to turn the weights when it loads the file.</summary>
    private string TransposedWeight(Node weight)
    {
        (int rows, int columns) = (weight.Shape[0], weight.Shape[1]);
        return Derived(weight, "#transposed", [columns, rows], values =>
        {
            var transposed = new float[values.Length];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    transposed[j * rows + i] = values[i * columns + j];
            return transposed;
        });
    }

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
