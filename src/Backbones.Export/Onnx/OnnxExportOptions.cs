using System.Collections.Immutable;

namespace Backbones.Onnx;

/// <summary>Names and descriptions in an exported file.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>Name of the graph.</summary>
    public string Name { get; init; } = "backbone";

    /// <summary>Names of the outputs; null for those of the selection, or of the graph's output nodes.</summary>
    public IReadOnlyList<string>? OutputNames { get; init; }

    /// <summary>Becomes the file's metadata_props.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = ImmutableDictionary<string, string>.Empty;
}
