using System.Collections.Immutable;

namespace Backbones.Weights;

/// <summary>What a model expects under one state_dict key.</summary>
/// <param name="Name">timm's state_dict key, such as <c>layer1.0.conv1.weight</c>.</param>
/// <param name="Shape">Dimensions; empty for a scalar.</param>
/// <param name="DType">Element type in the model. A stored tensor of another type of the same kind (floating point or integer) is converted.</param>
public sealed record ParameterSpec(string Name, ImmutableArray<int> Shape, DType DType = DType.Float32)
{
    /// <summary>BatchNorm's step counter: it takes no part in inference and PyTorch itself accepts state dicts without it.</summary>
    public bool IsBatchCounter => Name == BatchCounter || Name.EndsWith("." + BatchCounter, StringComparison.Ordinal);

    private const string BatchCounter = "num_batches_tracked";
}
