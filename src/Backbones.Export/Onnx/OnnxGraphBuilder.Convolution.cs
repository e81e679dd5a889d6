using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Convolution, and what products do at their end.</content>
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

    private string Finish(Node n, Epilogue? epilogue, string result)
    {
        if (epilogue is { AddsResidual: true })
            result = Op("Add", [result, Value(n.Inputs[^1])]);
        return epilogue is { Activation: { } activation } ? Unary(activation, result) : result;
    }

    private static OnnxMessage Sizes(string name, Size2 size) => OnnxAttribute.Integers(name, size.H, size.W);

    private static OnnxMessage Pads(Padding p) => OnnxAttribute.Integers("pads", p.Top, p.Left, p.Bottom, p.Right);
}
