namespace Backbones.Graphs;

/// <summary>Element type of a stored parameter, as in a checkpoint.</summary>
public enum ElementType
{
    /// <summary>32-bit float: every parameter that takes part in arithmetic.</summary>
    Float32,

    /// <summary>64-bit integer: counters and index tables, kept only so that checkpoints match key for key.</summary>
    Int64,
}

/// <summary>Whether a state_dict entry is trained or only kept.</summary>
public enum ParameterKind
{
    /// <summary>A trained parameter: counts in a model's parameter number.</summary>
    Parameter,

    /// <summary>A buffer (running statistics, counters): in the state_dict, not in the parameter number.</summary>
    Buffer,
}

/// <summary>One entry of a model's state_dict: timm's key, the shape, and what it is.</summary>
/// <param name="Name">timm's key, such as <c>layer1.0.conv1.weight</c>.</param>
/// <param name="Shape">The full shape; parameters have no batch dimension.</param>
/// <param name="ElementType">Element type in the checkpoint.</param>
/// <param name="Kind">Parameter or buffer.</param>
public sealed record ParameterSpec(string Name, Shape Shape, ElementType ElementType = ElementType.Float32, ParameterKind Kind = ParameterKind.Parameter)
{
    /// <summary>The key of the entry that is the same tensor, where modules share one; null for an entry of its own.</summary>
    internal string? TiedTo { get; init; }
}

/// <summary>Where a graph's parameters come from: values by state_dict key.</summary>
public interface IParameterSource
{
    /// <summary>The values of a float32 entry, row-major.</summary>
    /// <param name="spec">Name and shape wanted.</param>
    /// <returns>Exactly <c>spec.Shape.Length</c> values; valid as long as the source is.</returns>
    /// <exception cref="KeyNotFoundException">The source has no such entry.</exception>
    ReadOnlyMemory<float> Read(ParameterSpec spec);
}
