using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Functions of single elements. Opset 17 has no GELU and no Mish: they are written out as PyTorch's exporter does, which runtimes fuse.</content>
internal sealed partial class OnnxGraphBuilder
{
    private string Unary(UnaryOp op, string x) => op.Kind switch
    {
        UnaryKind.Relu => Op("Relu", [x]),
        UnaryKind.Relu6 => Clip(x, 0, 6),
        UnaryKind.Silu => Times(x, Op("Sigmoid", [x])),
        UnaryKind.Mish => Times(x, Op("Tanh", [Op("Softplus", [x])])),
        UnaryKind.Gelu => Times(Times(x, Plus(Op("Erf", [Op("Div", [x, Scalar(MathF.Sqrt(2))])]), 1)), 0.5f),
        UnaryKind.GeluTanh => Times(Times(x, Plus(Op("Tanh", [Times(Op("Add", [x, Times(Op("Pow", [x, Scalar(3)]), 0.044715f)]), MathF.Sqrt(2 / MathF.PI))]), 1)), 0.5f),
        UnaryKind.QuickGelu => Times(x, Op("Sigmoid", [Times(x, 1.702f)])),
        UnaryKind.Sigmoid => Op("Sigmoid", [x]),
        UnaryKind.HardSigmoid => Op("HardSigmoid", [x], OnnxAttribute.Float("alpha", 1f / 6), OnnxAttribute.Float("beta", 0.5f)),
        UnaryKind.HardSwish => Op("HardSwish", [x]),
        UnaryKind.HardMish => Times(Times(x, Clip(Plus(x, 2), 0, 2)), 0.5f),
        UnaryKind.Tanh => Op("Tanh", [x]),
        UnaryKind.LeakyRelu => Op("LeakyRelu", [x], OnnxAttribute.Float("alpha", op.Alpha)),
        UnaryKind.Elu => Op("Elu", [x], OnnxAttribute.Float("alpha", op.Alpha)),
        UnaryKind.Selu => Op("Selu", [x]),
        UnaryKind.Softplus => Op("Softplus", [x]),
        UnaryKind.Exp => Op("Exp", [x]),
        UnaryKind.Log => Op("Log", [x]),
        UnaryKind.Negate => Op("Neg", [x]),
        UnaryKind.Abs => Op("Abs", [x]),
        UnaryKind.Sqrt => Op("Sqrt", [x]),
        UnaryKind.Rsqrt => Op("Reciprocal", [Op("Sqrt", [x])]),
        UnaryKind.Reciprocal => Op("Reciprocal", [x]),
        UnaryKind.Square => Times(x, x),
        UnaryKind.Affine => Plus(Times(x, op.Alpha), op.Beta),
        UnaryKind.Clamp => Clip(x, op.Alpha, op.Beta),
        UnaryKind.Sin => Op("Sin", [x]),
        UnaryKind.Cos => Op("Cos", [x]),
        _ => throw new NotSupportedException($"The ONNX exporter has no mapping for {op.Kind}."),
    };

    private string Binary(Node n, BinaryOp op)
    {
        string type = op.Kind switch
        {
            BinaryKind.Add => "Add",
            BinaryKind.Subtract => "Sub",
            BinaryKind.Multiply => "Mul",
            BinaryKind.Divide => "Div",
            BinaryKind.Max => "Max",
            BinaryKind.Min => "Min",
            _ => throw new NotSupportedException($"The ONNX exporter has no mapping for {op.Kind}."),
        };
        return Op(type, [Aligned(n.Inputs[0], n.Shape.Rank), Aligned(n.Inputs[1], n.Shape.Rank)]);
    }

    private string PRelu(Node n) => Op("PRelu", [Value(n.Inputs[0]), PerChannel(n.Inputs[1], n.Shape, 0)]);

    /// <summary>A parameter of one value for each channel, shaped so that it meets the channels of <paramref name="x"/> along an axis.</summary>
    private string PerChannel(Node parameter, Shape x, int axis)
    {
        int behind = x.Rank - 1 - x.Axis(axis);
        int[] shape = [parameter.Shape[0], .. Enumerable.Repeat(1, behind)];
        return behind == 0 ? Value(parameter) : Derived(parameter, $"#{string.Join('x', shape.Select(d => $"{d}"))}", shape, values => values);
    }

    private string Clip(string x, float low, float high) => Op("Clip", [x, Scalar(low), Scalar(high)]);

    private string Times(string a, string b) => Op("Mul", [a, b]);

    private string Times(string x, float factor) => factor == 1 ? x : Op("Mul", [x, Scalar(factor)]);

    private string Plus(string x, float term) => term == 0 ? x : Op("Add", [x, Scalar(term)]);
}
