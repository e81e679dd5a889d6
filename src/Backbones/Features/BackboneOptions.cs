using Backbones.Graphs;

namespace Backbones;

/// <summary>How <see cref="Backbone.Create"/> makes a backbone. Weights are the file given, or those found by name; random ones only when asked for.</summary>
public sealed record BackboneOptions
{
    /// <summary>A weights file (safetensors, .pth, the index of several files), or a folder with config.json and weights as timm saves it; null to look the name up.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Where the weights are a part of a larger model's file: what stands before this model's keys (<c>backbone.</c>, <c>encoder.</c>); other keys are left
    /// aside. What timm drops by itself, <c>module.</c> and <c>_orig_mod.</c>, need not be given.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>Use deterministic random weights, made from the parameters' names: for tests and demonstrations of speed, never for features that mean something.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input height and width, 1 or more; null for the model's own. Position embeddings are resampled as timm does.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>Input channels, 1 or more; null for the model's own. The first convolution is adapted as timm does (<c>adapt_input_conv</c>).</summary>
    public int? InChannels { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;
}
