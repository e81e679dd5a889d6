using Backbones;

namespace Microsoft.ML.TimmFeatures;

/// <summary>
/// Turns images into the values of any nodes of a backbone's graph (<c>create_feature_extractor</c>): one column per node, named as given.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path), vector of Byte (encoded image) or vector of Single (normalised tensor) |
/// | Output column data type | Known-sized vectors of Single with the nodes' dimensions |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class NodeFeaturizer : FeaturizerEstimator
{
    internal NodeFeaturizer(TransformsCatalog catalog, IEnumerable<(string Node, string Output)> nodes, string input, FeaturizerOptions options)
        : base(catalog, options, FeatureSelection.Nodes(nodes), input, outputs => outputs.Select(o => o.Name))
    {
    }
}

/// <summary>
/// Turns images into the outputs of a graph of one's own on a backbone: pruned, merged, or extended by a neck or head. A single output is the column, several are
/// <c>Output_NAME</c>….
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path), vector of Byte (encoded image) or vector of Single (normalised tensor) |
/// | Output column data type | Known-sized vectors of Single with the outputs' dimensions |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class SelectedFeaturizer : FeaturizerEstimator
{
    internal SelectedFeaturizer(TransformsCatalog catalog, string output, string? input, Backbone backbone, SelectedFeatures features, FeaturizerOptions options)
        : base(catalog, options, backbone, features, input ?? output, outputs => outputs.Length == 1 ? [output] : outputs.Select(o => FeatureColumn.NameOf(output, o)))
    {
    }
}
