using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>BatchNorm's step counter <c>num_batches_tracked</c>: in every state dict, of no use to inference.</summary>
internal static class BatchCounter
{
    private const string Name = "num_batches_tracked";

    /// <summary>Whether an entry is such a counter.</summary>
    public static bool Is(ParameterSpec spec) => spec.Name == Name || spec.Name.EndsWith("." + Name, StringComparison.Ordinal);
}
