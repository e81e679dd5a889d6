using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Convolutions and linear layers.</content>
internal sealed partial class OnnxGraphBuilder
{
    private string Conv2d(Node n, Conv2dOp op)
    {
        Node weight = n.Inputs[1];
        string[] affine = [.. n.Inputs.Skip(1).Take(op.HasBias ? 2 : 1).Select(Parameter)];
        string result = Op("Conv", [Value(n.Inputs[0]), .. affine],
            OnnxAttribute.Integers("kernel_shape", weight.Shape[2], weight.Shape[3]), Sizes("strides", op.Stride), Pads(op.Padding),
            Sizes("dilations", op.Dilation), OnnxAttribute.Integer("group", op.Groups));
        return Finish(n, op.Epilogue, result);
    }

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

    private string Finish(Node n, Epilogue? epilogue, string result)
    {
        if (epilogue is { AddsResidual: true })
            result = Op("Add", [result, Value(n.Inputs[^1])]);
        return epilogue is { Activation: { } activation } ? Unary(activation, result) : result;
    }

    private static OnnxMessage Sizes(string name, Size2 size) => OnnxAttribute.Integers(name, size.H, size.W);

    private static OnnxMessage Pads(Padding p) => OnnxAttribute.Integers("pads", p.Top, p.Left, p.Bottom, p.Right);
}
