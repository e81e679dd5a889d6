using Backbones;

namespace Microsoft.ML.TimmFeatures;

/// <summary>
/// Turns images into the values of any nodes of a backbone's graph (<c>create_feature_extractor</c>): one column per node, named as given or
/// <c>Output_layer1.0</c>….
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path), vector of Byte (encoded image) or vector of Single (normalised tensor) |
/// | Output column data type | Known-sized vectors of Single with the nodes' dimensions |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.TimmFeatures, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class NodeFeaturizer : FeaturizerEstimator
{
    internal NodeFeaturizer(TransformsCatalog catalog, IEnumerable<(string Node, string Output)> nodes, string input, FeaturizerOptions options)
        : base(catalog, options, FeatureSelection.Nodes(nodes), [new InputOutputColumnPair(input)], (_, outputs) => outputs.Select(o => o.Name))
    {
    }

    internal NodeFeaturizer(TransformsCatalog catalog, IEnumerable<InputOutputColumnPair> columns, FeaturizerOptions options, IEnumerable<string> nodes)
        : base(catalog, options, FeatureSelection.Nodes(nodes), columns, (output, chosen) => chosen.Select(n => $"{output}_{n.Name}"))
    {
    }
}
