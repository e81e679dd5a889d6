using Microsoft.ML.TimmFeatures.Detection.Models;

namespace Microsoft.ML.TimmFeatures.Detection;

/// <summary>
/// Tells for each pixel of pictures what it shows, by one of torchvision's segmentation models: the class's key, its probability, and the map's height and width.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path) or vector of Byte (encoded image) |
/// | Output column data type | Vectors of Key (classes) and Single (scores) of unknown size, one value for each pixel, row by row; vector of two Int32 (height and width) |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures.Detection, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class ImageSegmenter : ImageModelEstimator
{
    internal ImageSegmenter(TransformsCatalog catalog, string output, string? input, FeaturizerOptions options, bool originalSize)
        : base(catalog, options, new SegmentationTask(originalSize), output, input)
    {
    }
}
