using Microsoft.ML.TimmFeatures;
using Microsoft.ML.TimmFeatures.Detection;

namespace Microsoft.ML;

/// <summary>torchvision's models of detection and segmentation as ML.NET transforms.</summary>
public static class TimmDetectionCatalog
{
    /// <summary>Finds objects in pictures: columns <c>Output_Boxes</c> (x1 y1 x2 y2 in pixels of the picture), <c>Output_Labels</c> (keys with the classes' names), <c>Output_Scores</c>,
    /// <c>Output_Size</c> (the picture's height and width) and, by Mask R-CNN, <c>Output_Masks</c>, by Keypoint R-CNN <c>Output_Keypoints</c>.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column: MLImage, text (path) or Vector&lt;Byte&gt; (encoded image). Null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="modelName">torchvision's name, such as <c>torchvision/maskrcnn_resnet50_fpn</c>.</param>
    /// <param name="weightsPath">A weights file; null to look the weights up by name.</param>
    /// <param name="scoreThreshold">Scores below it are no detections, 0 to 1; null for torchvision's of the model (0.05, of FCOS 0.2, of SSD 0.01, of SSDlite 0.001).</param>
    /// <param name="maxDetections">Most detections of a picture; null for torchvision's of the model (100, of RetinaNet and SSDlite 300, of SSD 200).</param>
    /// <exception cref="ArgumentException">There is no such model; the message has the nearest names.</exception>
    /// <example><code>mlContext.Transforms.DetectObjects("Objects", "Image", "torchvision/maskrcnn_resnet50_fpn", scoreThreshold: 0.5)</code></example>
    public static ObjectDetector DetectObjects(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, string modelName, string? weightsPath = null,
        double? scoreThreshold = null, int? maxDetections = null)
        => catalog.DetectObjects(outputColumnName, inputColumnName, new FeaturizerOptions { ModelName = modelName, WeightsPath = weightsPath }, scoreThreshold, maxDetections);

    /// <summary>Finds objects in pictures, with all settings.</summary>
    /// <param name="catalog">The transform's catalog.</param>
    /// <param name="outputColumnName">What the columns' names begin with.</param>
    /// <param name="inputColumnName">Name of the image column; null: the same as <paramref name="outputColumnName"/>.</param>
    /// <param name="options">Model, weights, batch size and so on; <see cref="FeaturizerOptions.ImageSize"/> is the shorter side of the picture as the model gets it (<c>min_size</c>), of SSD
    /// every side (<c>fixed_size</c>).</param>
    /// <param name="scoreThreshold">Scores below it are no detections, 0 to 1; null for torchvision's of the model.</param>
    /// <param name="maxDetections">Most detections of a picture; null for torchvision's of the model.</param>
    public static ObjectDetector DetectObjects(this TransformsCatalog catalog, string outputColumnName, string? inputColumnName, FeaturizerOptions options, double? scoreThreshold = null,
        int? maxDetections = null)
        => new(catalog, outputColumnName, inputColumnName, options, scoreThreshold, maxDetections);

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
