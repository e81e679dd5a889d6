using Backbones;

namespace Microsoft.ML.TimmFeatures;

/// <summary>Which of a backbone's last values are wanted.</summary>
public enum PenultimateKind
{
    /// <summary>Pooled features <c>[C]</c> (<c>num_classes=0</c>): what a classifier gets.</summary>
    Pooled,

    /// <summary>Unpooled features <c>[C, H, W]</c> or tokens <c>[L, C]</c> (<c>forward_features</c>).</summary>
    Unpooled,

    /// <summary>Class scores <c>[classes]</c> before softmax (<c>forward</c>).</summary>
    Logits,
}

/// <summary>
/// Turns images into a timm backbone's penultimate features.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path), vector of Byte (encoded image) or vector of Single (normalised tensor) |
/// | Output column data type | Known-sized vector of Single |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class PenultimateFeaturizer : FeaturizerEstimator
{
    internal PenultimateFeaturizer(TransformsCatalog catalog, string output, string? input, FeaturizerOptions options, PenultimateKind kind, string? pool)
        : base(catalog, options, SelectionOf(kind, pool), input ?? output, _ => [output])
    {
    }

    private static FeatureSelection SelectionOf(PenultimateKind kind, string? pool) => kind switch
    {
        PenultimateKind.Pooled => FeatureSelection.Pooled(pool),
        _ when pool is not null => throw new ArgumentException($"A pool type ('{pool}') is for pooled features; {kind} was asked for.", nameof(pool)),
        PenultimateKind.Unpooled => FeatureSelection.Unpooled,
        PenultimateKind.Logits => FeatureSelection.Logits,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Valid kinds are Pooled, Unpooled and Logits."),
    };
}
