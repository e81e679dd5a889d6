using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Functions of single elements, and of two tensors with broadcasting.</content>
internal sealed partial class ScriptBuilder
{
    private string Unary(UnaryOp op, string x) => op.Kind switch
    {
        UnaryKind.Relu => Call("relu", x),
        UnaryKind.Relu6 => Call("relu6", x),
        UnaryKind.Silu => Call("silu", x),
        UnaryKind.Mish => Call("mish", x),
        UnaryKind.Gelu => Call("gelu", x),
        UnaryKind.GeluTanh => Call("gelu", x, "approximate=\"tanh\""),
        UnaryKind.QuickGelu => Twice(x, v => Call("mul", v, Call("sigmoid", Times(v, 1.702f)))),
        UnaryKind.Sigmoid => Call("sigmoid", x),
        UnaryKind.HardSigmoid => Call("hardsigmoid", x),
        UnaryKind.HardSwish => Call("hardswish", x),
        UnaryKind.HardMish => Twice(x, v => Times(Call("mul", v, Clamp(Plus(v, 2), 0, 2)), 0.5f)),
        UnaryKind.Tanh => Call("tanh", x),
        UnaryKind.LeakyRelu => Call("leaky_relu", x, ScriptText.Number(op.Alpha)),
        UnaryKind.Elu => Call("elu", x, ScriptText.Number(op.Alpha)),
        UnaryKind.Selu => Call("selu", x),
        UnaryKind.Softplus => Call("softplus", x),
        UnaryKind.Exp => Call("exp", x),
        UnaryKind.Log => Call("log", x),
        UnaryKind.Negate => Call("neg", x),
        UnaryKind.Abs => Call("abs", x),
        UnaryKind.Sqrt => Call("sqrt", x),
        UnaryKind.Rsqrt => Call("rsqrt", x),
        UnaryKind.Reciprocal => Call("reciprocal", x),
        UnaryKind.Square => Call("square", x),
        UnaryKind.Affine => Plus(Times(x, op.Alpha), op.Beta),
        UnaryKind.Clamp => Clamp(x, op.Alpha, op.Beta),
        UnaryKind.Sin => Call("sin", x),
        UnaryKind.Cos => Call("cos", x),
        _ => throw new NotSupportedException($"The TorchScript exporter has no mapping for {op.Kind}."),
    };

    private string Binary(Node n, BinaryOp op)
    {
        string function = op.Kind switch
        {
            BinaryKind.Add => "add",
            BinaryKind.Subtract => "sub",
            BinaryKind.Multiply => "mul",
            BinaryKind.Divide => "div",
            BinaryKind.Max => "maximum",
            BinaryKind.Min => "minimum",
            _ => throw new NotSupportedException($"The TorchScript exporter has no mapping for {op.Kind} (node '{n.Name}')."),
        };
        return Call(function, Aligned(n.Inputs[0], n.Shape.Rank), Aligned(n.Inputs[1], n.Shape.Rank));
    }

    /// <summary>Applies a function that reads its argument twice to an expression, which is computed once.</summary>
    private string Twice(string x, Func<string, string> function) => function(_names.Contains(x) ? x : Assign("_activated", x));

    private static string Clamp(string x, float low, float high) => Call("clamp", x, ScriptText.Number(low), ScriptText.Number(high));

    private static string Times(string x, float factor) => factor == 1 ? x : Call("mul", x, ScriptText.Number(factor));

    private static string Plus(string x, float term) => term == 0 ? x : Call("add", x, ScriptText.Number(term));
}
