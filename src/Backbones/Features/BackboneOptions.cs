using Backbones.Graphs;

namespace Backbones;

/// <summary>How <see cref="Backbone.Create"/> makes a backbone. Weights are the file given, or those found by name; random ones only when asked for.</summary>
public sealed record BackboneOptions
{
    /// <summary>A weights file (safetensors, .pth), or a folder with config.json and weights as timm saves it; null to look the name up.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Use deterministic random weights, made from the parameters' names: for tests and demonstrations of speed, never for features that mean something.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input height and width; null for the model's own. Position embeddings are resampled as timm does.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>Take the input size and crop that test best (<c>test_input_size</c>, <c>test_crop_pct</c>) where the weights' config has them, as timm's <c>use_test_size</c>. An <see cref="ImageSize"/> of one's own counts before.</summary>
    public bool UseTestSize { get; init; }

    /// <summary>Input channels; null for the model's own. The first convolution is adapted as timm does (<c>adapt_input_conv</c>).</summary>
    public int? InChannels { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;
}
