using Microsoft.ML.TimmFeatures.Detection.Models;

namespace Microsoft.ML.TimmFeatures.Detection;

/// <summary>
/// Finds objects in pictures by one of torchvision's detectors: their boxes in pixels of the picture, the keys of their classes, their scores and, by Mask R-CNN, their masks, by Keypoint R-CNN their points.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ###  Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | MLImage, text (path) or vector of Byte (encoded image) |
/// | Output column data type | Vectors of unknown size, by falling score: Single (boxes, x1 y1 x2 y2 each), Key (labels), Single (scores), Byte (masks, 1 where the object is, height × width each); vector of two Int32 (height and width of the picture) |
/// | Required NuGet in addition to Microsoft.ML | TimmFeatures.Detection, Microsoft.ML.ImageAnalytics |
/// ]]></format>
/// </remarks>
public sealed class ObjectDetector : ImageModelEstimator
{
    internal ObjectDetector(TransformsCatalog catalog, string output, string? input, FeaturizerOptions options, double? scoreThreshold, int? maxDetections)
        : base(catalog, options, new DetectionTask(Checked(scoreThreshold), Checked(maxDetections)), output, input)
    {
    }

    private static double? Checked(double? scoreThreshold) => scoreThreshold is null or (>= 0 and <= 1) ? scoreThreshold
        : throw new ArgumentOutOfRangeException(nameof(scoreThreshold), scoreThreshold, "Scores are 0 to 1; null is torchvision's threshold of the model.");

    private static int? Checked(int? maxDetections) => maxDetections is null or > 0 ? maxDetections
        : throw new ArgumentOutOfRangeException(nameof(maxDetections), maxDetections, "There must be room for one detection or more; null is torchvision's number of the model.");
}
