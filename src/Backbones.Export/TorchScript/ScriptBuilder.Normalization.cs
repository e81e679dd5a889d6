using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Normalisations.</content>
internal sealed partial class ScriptBuilder
{
    private string BatchNorm(Node n, BatchNormOp op)
    {
        int axis = BatchedAxis(n, op.Axis);
        string y = Call("batch_norm", Turned(Value(n.Inputs[0])), Value(n.Inputs[1]), Value(n.Inputs[2]), Value(n.Inputs[3]), Value(n.Inputs[4]), "False", "0.1", ScriptText.Number(op.Eps), "True");
        return Turned(y);

        string Turned(string x) => axis == 1 ? x : Call("transpose", x, "1", $"{axis}");
    }

    private string LayerNorm(Node n, LayerNormOp op) => AlongLast(n, op.Axis, x => Call("layer_norm", x, ScriptText.Integers(n.Shape[n.Shape.Axis(op.Axis)]),
        n.Inputs.Length > 1 ? Value(n.Inputs[1]) : "None", n.Inputs.Length > 1 ? Value(n.Inputs[2]) : "None", ScriptText.Number(op.Eps)));

    private string RmsNorm(Node n, RmsNormOp op)
    {
        string? weight = n.Inputs.Length > 1 ? Value(n.Inputs[1]) : null;
        return AlongLast(n, op.Axis, x =>
        {
            if (!op.Centered)
                return Call("rms_norm", x, ScriptText.Integers(n.Shape[n.Shape.Axis(op.Axis)]), weight ?? "None", ScriptText.Number(op.Eps));
            string y = Twice(x, v => Call("mul", v, Call("rsqrt", Plus(Call("var", v, "[-1]", "True", "True"), op.Eps))));
            return weight is null ? y : Call("mul", y, weight);
        });
    }

    private string GroupNorm(Node n, GroupNormOp op)
        => Call("group_norm", Value(n.Inputs[0]), $"{op.Groups}", Value(n.Inputs[1]), Value(n.Inputs[2]), ScriptText.Number(op.Eps));

    /// <summary>Moves an axis to the end, applies the function there, and moves it back: both are views.</summary>
    private string AlongLast(Node n, int axis, Func<string, string> function)
    {
        int rank = n.Shape.Rank, at = n.Shape.Axis(axis);
        if (at == rank - 1)
            return function(Value(n.Inputs[0]));
        int[] last = [.. Enumerable.Range(0, rank).Where(a => a != at), at];
        int[] back = [.. Enumerable.Range(0, rank).Select(a => Array.IndexOf(last, a))];
        return Permute(function(Permute(Value(n.Inputs[0]), last.Select(a => a + 1))), back.Select(a => a + 1));
    }
}
