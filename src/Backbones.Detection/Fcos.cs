using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// FCOS. torchvision: <c>models/detection/fcos.py</c>. Paper: Fully Convolutional One-Stage Object Detection, https://arxiv.org/abs/1904.01355
/// </summary>
public sealed class Fcos : OneStageDetector
{
    private readonly BoxLinearCoder _coder = new(normalizeBySize: true);
    private readonly FcosOptions _options;

    private Fcos(DetectorParts parts) : this(parts, (FcosOptions)parts.Options)
    {
    }

    // A score is the root of a product with another probability.
    private Fcos(DetectorParts parts, FcosOptions options) : base(parts, AnchorsOf(options), Math.Max(options.ScoreThresh, 0) * options.ScoreThresh) => _options = options;

    /// <summary>Makes torchvision's FCOS.</summary>
    /// <param name="name"><c>torchvision/fcos_resnet50_fpn</c>.</param>
    /// <param name="options">What is to be otherwise than in torchvision; null for its defaults and the published weights, which are downloaded if they are not here.</param>
    /// <inheritdoc cref="Detector.Create"/>
    public static Fcos Create(string name, FcosOptions? options = null)
        => Make(DetectorParts.ByName(name, "fcos", options ?? new(), _ => ("head.classification_head.cls_logits.weight", 1)), p => new Fcos(p));

    /// <summary>Makes an FCOS over any backbone.</summary>
    /// <inheritdoc cref="FasterRcnn.Create(SelectedFeatures, int, FasterRcnnOptions)"/>
    public static Fcos Create(SelectedFeatures backbone, int numClasses, FcosOptions? options = null)
        => Make(DetectorParts.Over(backbone, numClasses, options ?? new()), p => new Fcos(p));

    internal override FeatureGraph BuildFeatures(Size2 size)
        => FeatureGraph.Build(Body, size, _options.Pyramid, [], (b, maps) => DenseHead.Fcos(b, maps, 1, NumClasses));

    /// <summary>How sure the class is, and how far inside the box the pixel.</summary>
    private protected override float ScoreOf(float logit, int anchor, ReadOnlySpan<float> others)
        => MathF.Sqrt(Probabilities.Sigmoid(logit) * Probabilities.Sigmoid(others[anchor]));

    private protected override Box Decode(BoxDelta delta, Box anchor) => _coder.Decode(delta, anchor);

    /// <summary>One anchor a pixel, as large as the map's stride.</summary>
    private static AnchorGenerator AnchorsOf(FcosOptions options)
    {
        AnchorGenerator anchors = options.AnchorGenerator ?? new([[8], [16], [32], [64], [128]], [[1]]);
        return anchors.CellAnchors.All(c => c.Length == 1) ? anchors : throw new ArgumentException("FCOS takes one anchor a pixel: one size and one ratio for each map.", nameof(options));
    }
}
