using Backbones;
using Backbones.Graphs;
using Microsoft.ML.Data;
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
        => new(catalog, outputColumnName, inputColumnName, options, kind, pool);

    /// <summary>A feature pyramid (<c>features_only</c>): one column per level, <c>Output_2</c>, <c>Output_4</c>… with dimensions [C, H, W].</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="modelName">timm's name.</param>
    /// <param name="weightsPath">A weights file or folder; null to look the weights up by name.</param>
    /// <param name="outIndices">Levels, negative ones from the end; null for timm's default.</param>
    /// <param name="outputStride">Stride of the last level: 32, 16 or 8.</param>
    public static PyramidFeaturizer TimmPyramid(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName,
        string? weightsPath = null, IEnumerable<int>? outIndices = null, int outputStride = 32)
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
        => new(catalog, outputColumnName, inputColumnName, options, outIndices, outputStride, columnNames);

    /// <summary>Hidden states after a backbone's blocks (<c>forward_intermediates</c>): one column per block, <c>Output_11</c>….</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="modelName">timm's name.</param>
    /// <param name="weightsPath">A weights file or folder; null to look the weights up by name.</param>
    /// <param name="indices">Blocks, negative ones from the end; null for all.</param>
    /// <param name="norm">Apply the model's final norm.</param>
    /// <param name="returnPrefixTokens">Also give class and register tokens, in columns <c>Output_11_prefix</c>….</param>
    /// <param name="outputFormat">Maps [C, H, W] or tokens [L, C].</param>
    public static IntermediateFeaturizer TimmIntermediates(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName,
        string? weightsPath = null, IEnumerable<int>? indices = null, bool norm = false, bool returnPrefixTokens = false, FeatureFormat outputFormat = FeatureFormat.Nchw)
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
        => new(catalog, outputColumnName, inputColumnName, options,
            FeatureSelection.Intermediates(indices, norm, returnPrefixTokens, outputFormat, stopEarly: false, intermediatesOnly), columnNames);

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

    /// <summary>The outputs of a graph of one's own: selections that were merged, pruned, or extended by a neck or head (<see cref="SelectedFeatures.Extend"/>). It is saved with the model.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">Name of the column; with several outputs what their columns' names begin with, <c>Output_NAME</c>….</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="backbone">Has all weights that the graph needs. It stays the caller's: to be disposed after the transformer.</param>
    /// <param name="features">What <see cref="Backbone.Select(FeatureSelection)"/> of that backbone gave, or what was made of it.</param>
    /// <param name="options">Batch size, device and so on; model, weights and image size are the backbone's and must not be given.</param>
    /// <exception cref="ArgumentException">The backbone lacks weights that the graph needs, or the options name a model, weights or image size.</exception>
    /// <example><code>mlContext.Transforms.TimmFeatures("Map", "Image", backbone, backbone.Select(FeatureSelection.Pyramid([2, 3])).Extend(…))</code></example>
    public static SelectedFeaturizer TimmFeatures(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, Backbone backbone, SelectedFeatures features,
        FeaturizerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(features);
        options ??= new FeaturizerOptions();
        if ((options.ModelName.Length > 0 && options.ModelName != backbone.Name) || options.WeightsPath is not null || options.KeyPrefix is not null || options.RandomWeights
            || options.ImageSize is not null || options.UseTestSize || options.ConfigOverlay is not null || options.WeightStorage != WeightStorage.Embedded)
            throw new ArgumentException($"Model, weights and image size are those of the backbone '{backbone.Name}', and are saved inside the model; leave them out of the options.", nameof(options));
        string[] missing = [.. features.Graph.Nodes.Select(n => n.Operator).OfType<ParameterOp>().Select(p => p.Spec.Name).Where(n => !backbone.Parameters.TryGet(n, out _)).Distinct()];
        if (missing.Length > 0)
            throw new ArgumentException($"The graph needs weights that the backbone '{backbone.Name}' has not: {string.Join(", ", missing.Take(5))}{(missing.Length > 5 ? $" and {missing.Length - 5} more" : "")}. Make a backbone over all of them with Backbone.FromParameters.", nameof(backbone));
        return new(catalog, outputColumnName, inputColumnName, backbone, features, options with { ModelName = backbone.Name });
    }

    /// <summary>The same model with other settings of its featurizers: another device, batch size, number of threads, image folder and so on. For models that were loaded.</summary>
    /// <param name="model">A featurizer, or a chain with featurizers anywhere in it.</param>
    /// <param name="change">Changes a featurizer's options; model, weights and image size have to stay the same.</param>
    /// <returns>A model that shares the weights and all other parts with the one given.</returns>
    /// <exception cref="ArgumentException">The model has no featurizer, or the change is not one that can be made.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    /// <example><code>ITransformer onGpu = mlContext.Model.Load("model.zip", out _).WithFeaturizerOptions(o => o with { Device = "cuda:1" });</code></example>
    public static ITransformer WithFeaturizerOptions(this ITransformer model, Func<FeaturizerOptions, FeaturizerOptions> change)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(change);
        int changed = 0;
        ITransformer result = Changed(model);
        return changed > 0 ? result : throw new ArgumentException($"The model has no featurizer: it is a {model.GetType().Name}.", nameof(model));

        ITransformer Changed(ITransformer part)
        {
            if (part is IEnumerable<ITransformer> chain)
                return new TransformerChain<ITransformer>([.. chain.Select(Changed)]);
            if (part is not IAdjustableTransformer featurizer)
                return part;
            changed++;
            return featurizer.With(change(featurizer.Options));
        }
    }
}
