using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>A backbone's weights, and for what was added to its graph the values with which PyTorch's layers begin, from torch's random numbers (<c>torch.manual_seed</c>).</summary>
internal sealed class InitialParameters(SelectedFeatures selected, IParameterSource backbone) : IParameterSource
{
    private readonly HashSet<string> _trained = [.. selected.Backbone.Graph.Parameters.Select(p => p.Name)];

    /// <summary>What has to be among the backbone's weights.</summary>
    public IEnumerable<ParameterSpec> Trained => selected.Graph.Parameters.Where(p => _trained.Contains(p.Name));

    public ReadOnlyMemory<float> Read(ParameterSpec spec) => _trained.Contains(spec.Name) ? backbone.Read(spec) : Initial(spec);

    private float[] Initial(ParameterSpec spec)
    {
        (Node? reader, int input) = selected.Graph.Nodes
            .SelectMany(n => n.Inputs.Select((i, at) => (n, at, i)))
            .Where(u => u.i.Operator is ParameterOp p && p.Spec.Name == spec.Name)
            .Select(u => ((Node?)u.n, u.at)).FirstOrDefault();
        return (reader?.Operator, input) switch
        {
            (Conv2dOp or LinearOp, 1 or 2) => Uniform(spec, reader!.Inputs[1].Shape),
            (LstmOp, > 0) => Uniform(spec, reader!.Inputs[2].Shape),
            (BatchNormOp, 1 or 4) or (LayerNormOp or GroupNormOp or RmsNormOp, 1) => Filled(spec, 1),
            (BatchNormOp, 2 or 3) or (LayerNormOp or GroupNormOp, 2) => Filled(spec, 0),
            (PReluOp, 1) => Filled(spec, 0.25f),
            _ => throw new ArgumentException($"'{spec.Name}' is new, and as an input of '{reader?.Name}' ({reader?.Operator.GetType().Name}) it has no usual initial value: give the values of all parameters to the constructor of {nameof(GraphModule)}."),
        };
    }

    /// <summary>Between ±1/√fan_in, weights and biases alike.</summary>
    private static float[] Uniform(ParameterSpec spec, Shape weight)
    {
        float bound = MathF.Sqrt(weight[0] / (float)weight.Length);
        using Tensor numbers = torch.rand(spec.Shape.Length);
        return [.. numbers.data<float>().Select(v => (2 * v - 1) * bound)];
    }

    private static float[] Filled(ParameterSpec spec, float value) => [.. Enumerable.Repeat(value, (int)spec.Shape.Length)];
}
