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

    /// <summary>All sequences of the batch side by side, time first, as ONNX has it; its gates are input, output, forget, cell.</summary>
    private string Lstm(Node n)
    {
        (int length, int channels, int hidden) = (n.Shape[^2], n.Inputs[0].Shape[^1], n.Shape[^1] / 2);
        string sequences = Op("Reshape", [Value(n.Inputs[0]), Integers(-1, length, channels)]);
        string x = Op("Transpose", [sequences], OnnxAttribute.Integers("perm", 1, 0, 2));
        string y = Op("LSTM",
            [x, Store($"{n.Name}#W", [2, 4 * hidden, channels], Gates(1, 5)), Store($"{n.Name}#R", [2, 4 * hidden, hidden], Gates(2, 6)), Store($"{n.Name}#B", [2, 8 * hidden], Gates(3, 4, 7, 8))],
            OnnxAttribute.Text("direction", "bidirectional"), OnnxAttribute.Integer("hidden_size", hidden));
        string states = Op("Transpose", [y], OnnxAttribute.Integers("perm", 2, 0, 1, 3));
        return Op("Reshape", [states, Integers([-1, .. n.Shape])]);

        float[] Gates(params int[] weights) => [.. weights.Select(i => Constant(n.Inputs[i])).SelectMany(w =>
        {
            int gate = w.Length / 4;
            return new[] { 0, 3, 1, 2 }.SelectMany(g => w.Skip(g * gate).Take(gate));
        })];
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
