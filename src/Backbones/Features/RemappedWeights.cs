using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones;

/// <summary>Weights of another layout under timm's keys: renamed entries are the file's own, others are computed when they are read.</summary>
internal static class RemappedWeights
{
    /// <summary>Longer keys are no state dict's, and rules are not tried on them.</summary>
    private const int MaxKey = 1000;

    /// <summary>The weights under timm's keys, where the family knows their layout; else as they are.</summary>
    /// <param name="weights">The weights as the file has them; the result owns the file then.</param>
    /// <param name="model">The model.</param>
    /// <param name="options">How it is to be built.</param>
    public static ParameterStore Apply(ParameterStore weights, ModelEntry model, BuildOptions options)
    {
        if (model.Remap is null || weights.Tensors.Any(t => t.Name.Length > MaxKey))
            return weights;
        BackboneGraph graph = model.Build(options);
        ParameterMismatch found = Compare(weights, graph);
        if (found.Unexpected.Count + found.Misshaped.Count == 0)
            return weights;
        try
        {
            Checkpoint checkpoint = new(weights.Tensors.Select(Spec), graph.Graph);
            model.Remap(checkpoint);
            ParameterStore remapped = weights.WithTensors(checkpoint.Entries.Select(e => Tensor(e.Key, e.Value, weights)));
            return Fit(Compare(remapped, graph)).CompareTo(Fit(found)) > 0 ? remapped : weights;
        }
        catch (Exception e) when (e is GraphException or ArgumentException or IndexOutOfRangeException or FormatException or OverflowException)
        {
            return weights; // A layout that was taken for a known one. What does not fit, the comparison with the model tells.
        }
    }

    /// <summary>An entry as a tensor.</summary>
    public static ParameterTensor Tensor(string key, Node value, ParameterStore weights)
    {
        Node source = value;
        while (source.Operator is ReshapeOp)
            source = source.Inputs[0];
        if (source.Operator is not ParameterOp { Spec.Name: var stored })
            return new ComputedTensor(key, value, weights);
        ParameterTensor tensor = weights[stored];
        return key == stored && value == source ? tensor : new RenamedTensor(key, value.Shape, tensor);
    }

    private static ParameterSpec Spec(ParameterTensor tensor) => new(tensor.Name, tensor.Shape, tensor.DType.IsFloat() ? ElementType.Float32 : ElementType.Int64);

    private static ParameterMismatch Compare(ParameterStore weights, BackboneGraph graph)
        => weights.Compare(graph.AsStored(weights), checkFinite: false, out _);

    /// <summary>How well weights fit: first what the model gets of them, then how little is left over.</summary>
    private static (int Used, int Left) Fit(ParameterMismatch found) => (-found.Missing.Count - found.Misshaped.Count, -found.Unexpected.Count - found.Misshaped.Count);
}
