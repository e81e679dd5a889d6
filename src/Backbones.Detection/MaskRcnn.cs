using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// Mask R-CNN: Faster R-CNN with a mask for each detection.
/// torchvision: <c>models/detection/mask_rcnn.py</c>. Paper: https://arxiv.org/abs/1703.06870
/// </summary>
public sealed class MaskRcnn : FasterRcnn
{
    private readonly MaskRcnnOptions _options;
    private readonly RoIStage _mask;

    private MaskRcnn(DetectorParts parts) : base(parts)
    {
        _options = (MaskRcnnOptions)parts.Options;
        _mask = Stage("mask", _options.MaskRoIPool, () => RoIHead.Mask(MapChannels, _options.MaskRoIPool.OutputSize, NumClasses, _options.MaskLayers, _options.MaskBatchNorm));
    }

    /// <inheritdoc/>
    public override bool HasMasks => true;

    /// <summary>The head that makes masks.</summary>
    internal RoIHead MaskHead => _mask.Head;

    private protected override ImmutableArray<RoIStage> Stages => [.. base.Stages, _mask];

    /// <summary>Makes one of torchvision's Mask R-CNNs.</summary>
    /// <param name="name"><c>torchvision/maskrcnn_resnet50_fpn</c> or <c>torchvision/maskrcnn_resnet50_fpn_v2</c>.</param>
    /// <param name="options">What is to be otherwise than in torchvision; null for its defaults and the published weights, which are downloaded if they are not here.</param>
    /// <inheritdoc cref="Detector.Create"/>
    public static MaskRcnn Create(string name, MaskRcnnOptions? options = null)
        => Make(DetectorParts.ByName(name, "maskrcnn", options ?? new(), ClassLayer), p => new MaskRcnn(p));

    /// <summary>Makes a Mask R-CNN over any backbone.</summary>
    /// <inheritdoc cref="FasterRcnn.Create(SelectedFeatures, int, FasterRcnnOptions)"/>
    public static MaskRcnn Create(SelectedFeatures backbone, int numClasses, MaskRcnnOptions? options = null)
        => Make(DetectorParts.Over(backbone, numClasses, options ?? new()), p => new MaskRcnn(p));

    private protected override void Postprocess(Workspace workspace, DetectorPlan plan)
    {
        base.Postprocess(workspace, plan);
        var w = (RcnnWorkspace)workspace;
        w.CollectDetected();
        if (w.Detected.Count == 0)
            return;
        _mask.Run(w, plan, w.Detected, w.MaskFeatures, w.MaskLogits);
    }

    private protected override Detection ToDetection(Workspace workspace, int image, int index, Box box, Size2 original)
    {
        var w = (RcnnWorkspace)workspace;
        Detection detection = base.ToDetection(workspace, image, index, box, original);
        int side = MaskHead.Graph.Outputs[0].Shape[1], width = MaskHead.Graph.Outputs[0].Shape[2];
        float[] mask = MaskOf(w.MaskLogits.Array, w.NumberOf(image, index), detection.Label, NumClasses, side * width);
        return detection with { Mask = new(mask, side, box, original.W, original.H) };
    }

    /// <summary>Probabilities of one detection: those of its class (torchvision: <c>maskrcnn_inference</c>).</summary>
    internal static float[] MaskOf(ReadOnlySpan<float> logits, int index, int label, int classes, int area)
    {
        logits = logits.Slice((index * classes + label) * area, area);
        var mask = new float[area];
        for (int i = 0; i < area; i++)
            mask[i] = Probabilities.Sigmoid(logits[i]);
        return mask;
    }
}
