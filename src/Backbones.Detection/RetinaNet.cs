using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// RetinaNet. torchvision: <c>models/detection/retinanet.py</c>. Paper: Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002
/// </summary>
public sealed class RetinaNet : OneStageDetector
{
    private readonly BoxCoder _coder = new(new(1, 1, 1, 1));
    private readonly RetinaNetOptions _options;

    private RetinaNet(DetectorParts parts) : base(parts, AnchorsOf(parts.Options), ((RetinaNetOptions)parts.Options).ScoreThresh) => _options = (RetinaNetOptions)parts.Options;

    /// <summary>Makes one of torchvision's RetinaNets.</summary>
    /// <param name="name"><c>torchvision/retinanet_resnet50_fpn</c> or <c>torchvision/retinanet_resnet50_fpn_v2</c>.</param>
    /// <param name="options">What is to be otherwise than in torchvision; null for its defaults and the published weights, which are downloaded if they are not here.</param>
    /// <inheritdoc cref="Detector.Create"/>
    public static RetinaNet Create(string name, RetinaNetOptions? options = null)
        => Make(DetectorParts.ByName(name, "retinanet", options ?? new(), o => ("head.classification_head.cls_logits.weight", AnchorsOf(o).CellAnchors[0].Length)), p => new RetinaNet(p));

    /// <summary>Makes a RetinaNet over any backbone.</summary>
    /// <inheritdoc cref="FasterRcnn.Create(SelectedFeatures, int, FasterRcnnOptions)"/>
    public static RetinaNet Create(SelectedFeatures backbone, int numClasses, RetinaNetOptions? options = null)
        => Make(DetectorParts.Over(backbone, numClasses, options ?? new()), p => new RetinaNet(p));

    internal override FeatureGraph BuildFeatures(Size2 size)
        => FeatureGraph.Build(Body, size, _options.Pyramid, [], (b, maps) => DenseHead.RetinaNet(b, maps, AnchorGenerator.CellAnchors[0].Length, NumClasses, _options.GroupNorm));

    private protected override float ScoreOf(float logit, int anchor, ReadOnlySpan<float> others) => Probabilities.Sigmoid(logit);

    private protected override Box Decode(BoxDelta delta, Box anchor) => _coder.Decode(delta, anchor);

    /// <summary>Three sizes an octave.</summary>
    private static AnchorGenerator AnchorsOf(DetectorOptions options) => ((RetinaNetOptions)options).AnchorGenerator
        ?? new AnchorGenerator([.. new[] { 32, 64, 128, 256, 512 }.Select(s => new float[] { s, (int)(s * Math.Pow(2, 1.0 / 3)), (int)(s * Math.Pow(2, 2.0 / 3)) })], [[0.5f, 1, 2]]);
}
