namespace Microsoft.ML.TimmFeatures.AutoML;

/// <summary>What an AutoML experiment may choose among. Each list's first entry is tried first.</summary>
public sealed record TimmFeaturesSweep
{
    /// <summary>timm's names of the backbones.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>timm's pool types; empty for each model's own.</summary>
    public IReadOnlyList<string> Pools { get; init; } = [];

    /// <summary>Image sizes in pixels; empty for each model's own.</summary>
    public IReadOnlyList<int> ImageSizes { get; init; } = [];

    /// <summary>Settings for all of them (weights, batch size, threads); the model and the image size are set by the sweep.</summary>
    public FeaturizerOptions Options { get; init; } = new();
}
