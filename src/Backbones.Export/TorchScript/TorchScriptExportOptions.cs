using System.Collections.Immutable;

namespace Backbones.TorchScript;

/// <summary>Names and descriptions in an exported file.</summary>
public sealed record TorchScriptExportOptions
{
    /// <summary>Name of the module's class; what no Python name can have becomes <c>_</c>.</summary>
    public string Name { get; init; } = "backbone";

    /// <summary>Each entry becomes an extra file of the archive, which <c>torch.jit.load</c> reads with <c>_extra_files</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = ImmutableDictionary<string, string>.Empty;
}
