using Backbones;
using Microsoft.ML.TimmFeatures;

namespace Microsoft.ML;

/// <summary>timm's image features as ML.NET transforms.</summary>
public static class TimmFeaturesCatalog
{
    /// <summary>Pooled features of a timm backbone: what its classifier gets.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">Name of the feature column, a Vector&lt;Single&gt; of <c>num_features</c> values.</param>
    /// <param name="inputColumnName">Name of the image column: MLImage, text (path), Vector&lt;Byte&gt; (encoded image) or Vector&lt;Single&gt; (normalised tensor). Null: the same as the output's.</param>
    /// <param name="modelName">timm's name, such as <c>resnet50.a1_in1k</c>.</param>
    /// <param name="weightsPath">A weights file or folder; null to look the weights up by name.</param>
    /// <param name="kind">Pooled features, unpooled ones, or class scores.</param>
    /// <param name="pool">timm's <c>global_pool</c> ('avg', 'max', 'avgmax', 'catavgmax', 'token', …); null for the model's own.</param>
    /// <exception cref="ArgumentException">There is no such model, tag or pool; the message has the nearest names.</exception>
    /// <example><code>mlContext.Transforms.TimmFeatures("Features", "Image", "resnet50.a1_in1k")</code></example>
    public static PenultimateFeaturizer TimmFeatures(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName,
        string? weightsPath = null, PenultimateKind kind = PenultimateKind.Pooled, string? pool = null)
        => catalog.TimmFeatures(outputColumnName, inputColumnName, new FeaturizerOptions { ModelName = modelName, WeightsPath = weightsPath }, kind, pool);

    /// <summary>Pooled features of a timm backbone, with all settings.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">Name of the feature column.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as the output's.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="kind">Pooled features, unpooled ones, or class scores.</param>
    /// <param name="pool">timm's <c>global_pool</c>; null for the model's own.</param>
    public static PenultimateFeaturizer TimmFeatures(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, FeaturizerOptions options,
        PenultimateKind kind = PenultimateKind.Pooled, string? pool = null)
        => new(catalog, [new(outputColumnName, inputColumnName)], options, kind, pool);

    /// <summary>Pooled features of several image columns by the same backbone, whose weights are in memory once.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="columns">Pairs of output and input column.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="kind">Pooled features, unpooled ones, or class scores.</param>
    /// <param name="pool">timm's <c>global_pool</c>; null for the model's own.</param>
    public static PenultimateFeaturizer TimmFeatures(this TransformsCatalog catalog, IEnumerable<InputOutputColumnPair> columns, FeaturizerOptions options,
        PenultimateKind kind = PenultimateKind.Pooled, string? pool = null)
        => new(catalog, columns, options, kind, pool);

    /// <summary>A feature pyramid (<c>features_only</c>): one column per level, <c>Output_2</c>, <c>Output_4</c>… with dimensions [C, H, W].</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="modelName">timm's name.</param>
    /// <param name="outIndices">Levels, negative ones from the end; null for timm's default.</param>
    /// <param name="outputStride">Stride of the last level: 32, 16 or 8.</param>
    /// <param name="weightsPath">A weights file or folder; null to look the weights up by name.</param>
    public static PyramidFeaturizer TimmPyramid(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName,
        IEnumerable<int>? outIndices = null, int outputStride = 32, string? weightsPath = null)
        => catalog.TimmPyramid(outputColumnName, inputColumnName, new FeaturizerOptions { ModelName = modelName, WeightsPath = weightsPath }, outIndices, outputStride);

    /// <summary>A feature pyramid, with all settings.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="outIndices">Levels, negative ones from the end; null for timm's default.</param>
    /// <param name="outputStride">Stride of the last level: 32, 16 or 8.</param>
    /// <param name="columnNames">Names of the columns, one per level, in place of <c>Output_0</c>….</param>
    public static PyramidFeaturizer TimmPyramid(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, FeaturizerOptions options,
        IEnumerable<int>? outIndices = null, int outputStride = 32, IEnumerable<string>? columnNames = null)
        => new(catalog, [new(outputColumnName, inputColumnName)], options, outIndices, outputStride, columnNames);

    /// <summary>Feature pyramids of several image columns by the same backbone, whose weights are in memory once.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="columns">Pairs of what the output columns' names begin with, and the input column.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="outIndices">Levels, negative ones from the end; null for timm's default.</param>
    /// <param name="outputStride">Stride of the last level: 32, 16 or 8.</param>
    public static PyramidFeaturizer TimmPyramid(this TransformsCatalog catalog, IEnumerable<InputOutputColumnPair> columns, FeaturizerOptions options,
        IEnumerable<int>? outIndices = null, int outputStride = 32)
        => new(catalog, columns, options, outIndices, outputStride, names: null);

    /// <summary>Hidden states after a backbone's blocks (<c>forward_intermediates</c>): one column per block, <c>Output_11</c>….</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="modelName">timm's name.</param>
    /// <param name="indices">Blocks, negative ones from the end; null for all.</param>
    /// <param name="norm">Apply the model's final norm.</param>
    /// <param name="returnPrefixTokens">Also give class and register tokens, in columns <c>Output_11.prefix</c>….</param>
    /// <param name="outputFormat">Maps [C, H, W] or tokens [L, C].</param>
    /// <param name="weightsPath">A weights file or folder; null to look the weights up by name.</param>
    public static IntermediateFeaturizer TimmIntermediates(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName,
        IEnumerable<int>? indices = null, bool norm = false, bool returnPrefixTokens = false, FeatureFormat outputFormat = FeatureFormat.Nchw, string? weightsPath = null)
        => catalog.TimmIntermediates(outputColumnName, inputColumnName, new FeaturizerOptions { ModelName = modelName, WeightsPath = weightsPath }, indices, norm, returnPrefixTokens, outputFormat);

    /// <summary>Hidden states after a backbone's blocks, with all settings.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="indices">Blocks, negative ones from the end; null for all.</param>
    /// <param name="norm">Apply the model's final norm.</param>
    /// <param name="returnPrefixTokens">Also give class and register tokens.</param>
    /// <param name="outputFormat">Maps [C, H, W] or tokens [L, C].</param>
    /// <param name="intermediatesOnly">Leave out the final features, <c>Output_features</c>.</param>
    /// <param name="columnNames">Names of the columns in place of <c>Output_0</c>….</param>
    public static IntermediateFeaturizer TimmIntermediates(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, FeaturizerOptions options,
        IEnumerable<int>? indices = null, bool norm = false, bool returnPrefixTokens = false, FeatureFormat outputFormat = FeatureFormat.Nchw,
        bool intermediatesOnly = true, IEnumerable<string>? columnNames = null)
        => new(catalog, [new(outputColumnName, inputColumnName)], options,
            FeatureSelection.Intermediates(indices, norm, returnPrefixTokens, outputFormat, stopEarly: false, intermediatesOnly), columnNames);

    /// <summary>Hidden states of several image columns after the same backbone's blocks; the weights are in memory once.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="columns">Pairs of what the output columns' names begin with, and the input column.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="indices">Blocks, negative ones from the end; null for all.</param>
    /// <param name="norm">Apply the model's final norm.</param>
    /// <param name="returnPrefixTokens">Also give class and register tokens.</param>
    /// <param name="outputFormat">Maps [C, H, W] or tokens [L, C].</param>
    /// <param name="intermediatesOnly">False: also <c>Output_features</c>, the unpooled features.</param>
    public static IntermediateFeaturizer TimmIntermediates(this TransformsCatalog catalog, IEnumerable<InputOutputColumnPair> columns, FeaturizerOptions options,
        IEnumerable<int>? indices = null, bool norm = false, bool returnPrefixTokens = false, FeatureFormat outputFormat = FeatureFormat.Nchw, bool intermediatesOnly = true)
        => new(catalog, columns, options, FeatureSelection.Intermediates(indices, norm, returnPrefixTokens, outputFormat, stopEarly: false, intermediatesOnly), names: null);

    /// <summary>The values of any nodes (<c>create_feature_extractor</c>), one column per node.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="nodes">Node names (truncated ones mean the last node below) and the columns' names.</param>
    /// <param name="inputColumnName">Name of the image column.</param>
    /// <param name="modelName">timm's name, or <c>torchvision/…</c>.</param>
    /// <param name="weightsPath">A weights file or folder; null to look the weights up by name.</param>
    /// <exception cref="ArgumentException">There is no such model.</exception>
    /// <exception cref="Backbones.Graphs.GraphException">There is no such node; the message has the nearest names.</exception>
    public static NodeFeaturizer TimmNodes(this TransformsCatalog catalog, IEnumerable<(string Node, string OutputColumnName)> nodes, string inputColumnName, string modelName, string? weightsPath = null)
        => catalog.TimmNodes(nodes, inputColumnName, new FeaturizerOptions { ModelName = modelName, WeightsPath = weightsPath });

    /// <summary>The values of any nodes, with all settings.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="nodes">Node names and the columns' names.</param>
    /// <param name="inputColumnName">Name of the image column.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    public static NodeFeaturizer TimmNodes(this TransformsCatalog catalog, IEnumerable<(string Node, string OutputColumnName)> nodes, string inputColumnName, FeaturizerOptions options)
        => new(catalog, nodes, inputColumnName, options);

    /// <summary>The values of any nodes for several image columns by the same backbone, whose weights are in memory once: columns <c>Output_layer1.0</c>….</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="columns">Pairs of what the output columns' names begin with, and the input column.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="nodes">Node names.</param>
    /// <exception cref="Backbones.Graphs.GraphException">There is no such node; the message has the nearest names.</exception>
    public static NodeFeaturizer TimmNodes(this TransformsCatalog catalog, IEnumerable<InputOutputColumnPair> columns, FeaturizerOptions options, params IEnumerable<string> nodes)
        => new(catalog, columns, options, nodes);
}
