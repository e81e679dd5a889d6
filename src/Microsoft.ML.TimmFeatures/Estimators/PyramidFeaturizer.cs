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
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class PyramidFeaturizer : FeaturizerEstimator
{
    internal PyramidFeaturizer(TransformsCatalog catalog, IEnumerable<InputOutputColumnPair> columns, FeaturizerOptions options, IEnumerable<int>? outIndices, int outputStride, IEnumerable<string>? names)
        : base(catalog, options, FeatureSelection.Pyramid(outIndices, outputStride), columns, (output, levels) => names ?? levels.Select(l => $"{output}_{l.Name}"))
    {
    }
}
