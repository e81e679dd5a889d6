using Backbones;

namespace Microsoft.ML.TimmFeatures;

/// <summary>
/// Turns images into a feature pyramid (<c>features_only=True</c>): one column per level, named <c>Output_0</c>, <c>Output_1</c>… or as given.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path), vector of Byte (encoded image) or vector of Single (normalised tensor) |
/// | Output column data type | Known-sized vectors of Single with dimensions [C, H, W] |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class PyramidFeaturizer : FeaturizerEstimator
{
    internal PyramidFeaturizer(TransformsCatalog catalog, string output, string? input, FeaturizerOptions options, IEnumerable<int>? outIndices, int outputStride, IEnumerable<string>? names)
        : base(catalog, options, FeatureSelection.Pyramid(outIndices, outputStride), input ?? output, levels => names ?? levels.Select(l => FeatureColumn.NameOf(output, l)))
    {
    }
}

/// <summary>
/// Turns images into the hidden states after a backbone's blocks (<c>forward_intermediates</c>): one column per block, named <c>Output_0</c>… or as given.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path), vector of Byte (encoded image) or vector of Single (normalised tensor) |
/// | Output column data type | Known-sized vectors of Single with dimensions [C, H, W] or [L, C] |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class IntermediateFeaturizer : FeaturizerEstimator
{
    internal IntermediateFeaturizer(TransformsCatalog catalog, string output, string? input, FeaturizerOptions options, FeatureSelection selection, IEnumerable<string>? names)
        : base(catalog, options, selection, input ?? output, blocks => names ?? blocks.Select(b => FeatureColumn.NameOf(output, b)))
    {
    }
}
