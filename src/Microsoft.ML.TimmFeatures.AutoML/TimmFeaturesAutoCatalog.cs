using Microsoft.ML.AutoML;
using Microsoft.ML.SearchSpace.Option;
using Microsoft.ML.TimmFeatures;
using Microsoft.ML.TimmFeatures.AutoML;

namespace Microsoft.ML;

/// <summary>timm backbones in AutoML experiments.</summary>
public static class TimmFeaturesAutoCatalog
{
    private const string Model = nameof(Model), Pool = nameof(Pool), ImageSize = nameof(ImageSize);

    /// <summary>A step of a sweepable pipeline that tries several backbones.</summary>
    /// <param name="catalog">The AutoML catalog, <c>mlContext.Auto()</c>.</param>
    /// <param name="outputColumnName">Name of the feature column.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as the output's.</param>
    /// <param name="modelNames">timm's names; the first is tried first.</param>
    /// <remarks>Use <c>SetRandomSearchTuner</c>: ML.NET's other tuners hardly vary choices. Every trial computes the features of all pictures anew.</remarks>
    /// <example><code>mlContext.Auto().TimmFeatures("Features", "Image", "resnet18.a1_in1k", "convnext_tiny.fb_in1k")</code></example>
    public static SweepableEstimator TimmFeatures(this AutoCatalog catalog, string outputColumnName, string? inputColumnName, params string[] modelNames)
        => catalog.TimmFeatures(outputColumnName, inputColumnName, new TimmFeaturesSweep { Models = modelNames });

    /// <summary>A step of a sweepable pipeline that tries backbones, poolings and image sizes.</summary>
    /// <param name="catalog">The AutoML catalog, <c>mlContext.Auto()</c>.</param>
    /// <param name="outputColumnName">Name of the feature column.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as the output's.</param>
    /// <param name="sweep">What to choose among.</param>
    /// <exception cref="ArgumentException">No model was given.</exception>
    public static SweepableEstimator TimmFeatures(this AutoCatalog catalog, string outputColumnName, string? inputColumnName, TimmFeaturesSweep sweep)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(sweep);
        if (sweep.Models.Count == 0)
            throw new ArgumentException("No models to choose among were given; use timm's names, such as 'resnet18.a1_in1k'.", nameof(sweep));
        var space = new SearchSpace.SearchSpace { { Model, new ChoiceOption([.. sweep.Models]) } };
        if (sweep.Pools.Count > 0)
            space.Add(Pool, new ChoiceOption([.. sweep.Pools]));
        if (sweep.ImageSizes.Count > 0)
            space.Add(ImageSize, new ChoiceOption([.. sweep.ImageSizes.Select(s => (object)s)]));
        return new SweepableEstimator((context, parameter) => context.Transforms.TimmFeatures(outputColumnName, inputColumnName, sweep.Options with
        {
            ModelName = parameter[Model].AsType<string>(),
            ImageSize = sweep.ImageSizes.Count > 0 ? parameter[ImageSize].AsType<int>() : sweep.Options.ImageSize,
        }, PenultimateKind.Pooled, sweep.Pools.Count > 0 ? parameter[Pool].AsType<string>() : null), space);
    }
}
