using Microsoft.ML.TimmFeatures;
using Microsoft.ML.TimmFeatures.Detection;

namespace Microsoft.ML;

/// <summary>torchvision's models of detection and segmentation as ML.NET transforms.</summary>
public static class TimmDetectionCatalog
{
    /// <summary>Tells for each pixel of pictures what it shows.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">Name of the class column: keys of the classes, the background first, row by row. <c>Output_Scores</c> has their probabilities, <c>Output_Size</c> the map's
    /// height and width.</param>
    /// <param name="inputColumnName">Name of the image column: MLImage, text (path) or Vector&lt;Byte&gt; (encoded image). Null: the same as the output's.</param>
    /// <param name="modelName">torchvision's name, such as <c>torchvision/deeplabv3_resnet50</c>.</param>
    /// <param name="weightsPath">A weights file; null to look the weights up by name.</param>
    /// <param name="originalSize">Maps have the picture's size, or that of the model's input.</param>
    /// <exception cref="ArgumentException">There is no such model; the message has the nearest names.</exception>
    /// <example><code>mlContext.Transforms.SegmentImages("Classes", "Image", "torchvision/deeplabv3_resnet50")</code></example>
    public static ImageSegmenter SegmentImages(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName, string? weightsPath = null, bool originalSize = true)
        => catalog.SegmentImages(outputColumnName, inputColumnName, new FeaturizerOptions { ModelName = modelName, WeightsPath = weightsPath }, originalSize);

    /// <summary>Tells for each pixel of pictures what it shows, with all settings.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">Name of the class column.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as the output's.</param>
    /// <param name="options">Model, weights, batch size and so on; <see cref="FeaturizerOptions.ImageSize"/> is the shorter side of the picture as the model gets it, 520 unless given.</param>
    /// <param name="originalSize">Maps have the picture's size, or that of the model's input.</param>
    public static ImageSegmenter SegmentImages(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, FeaturizerOptions options, bool originalSize = true)
        => new(catalog, outputColumnName, inputColumnName, options, originalSize);
}
