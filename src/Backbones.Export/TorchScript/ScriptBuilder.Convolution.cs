using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Convolution, and what products have in common.</content>
internal sealed partial class ScriptBuilder
{
    private string Conv2d(Node n, Conv2dOp op)
    {
        string x = Value(n.Inputs[0]);
        Padding padding = op.Padding;
        if (!IsSymmetric(padding))
            (x, padding) = (Pad(x, padding), 0);
        return Finish(n, op.Epilogue, Call("conv2d", x, Parameter(n.Inputs[1]), Bias(n, op.HasBias), ScriptText.Integers(op.Stride),
            ScriptText.Integers(padding.Top, padding.Left), ScriptText.Integers(op.Dilation), $"{op.Groups}"));
    }

    /// <summary>A computed bias (the shift of a folded batch normalisation) is registered beside its weight.</summary>
    private string Bias(Node n, bool hasBias)
        => !hasBias ? "None" : n.Inputs[2].Operator is ParameterOp or ConstantOp ? Parameter(n.Inputs[2]) : Parameter(n.Inputs[2], () => Beside(KeyOf(n.Inputs[1])));

    private static string Beside(string weight) => $"{weight[..(weight.LastIndexOf('.') + 1)]}bias";

    private string Finish(Node n, Epilogue? epilogue, string result)
    {
        if (epilogue is { AddsResidual: true })
            result = Call("add", result, Value(n.Inputs[^1]));
        return epilogue is { Activation: { } activation } ? Unary(activation, result) : result;
    }

    private static bool IsSymmetric(Padding p) => p.Top == p.Bottom && p.Left == p.Right;
}
