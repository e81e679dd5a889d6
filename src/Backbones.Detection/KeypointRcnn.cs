using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// Keypoint R-CNN: Faster R-CNN with points for each detection, such as a person's joints.
/// torchvision: <c>models/detection/keypoint_rcnn.py</c>. Paper: https://arxiv.org/abs/1703.06870
/// </summary>
public sealed class KeypointRcnn : FasterRcnn
{
    private readonly KeypointRcnnOptions _options;
    private readonly RoIStage _keypoint;

    private KeypointRcnn(DetectorParts parts) : base(parts)
    {
        _options = (KeypointRcnnOptions)parts.Options;
        _keypoint = Stage("keypoint", _options.KeypointRoIPool, () => RoIHead.Keypoints(MapChannels, _options.KeypointRoIPool.OutputSize, _options.NumKeypoints, _options.KeypointLayers));
    }

    /// <summary>Names of the points of COCO's persons, in the order of <see cref="Detection.Keypoints"/>.</summary>
    public static ImmutableArray<string> PersonKeypoints { get; } =
    [
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
        "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    ];

    /// <summary>The head that finds points.</summary>
    internal RoIHead KeypointHead => _keypoint.Head;

    private protected override ImmutableArray<RoIStage> Stages => [.. base.Stages, _keypoint];

    /// <summary>Makes torchvision's Keypoint R-CNN.</summary>
    /// <param name="name"><c>torchvision/keypointrcnn_resnet50_fpn</c>.</param>
    /// <param name="options">What is to be otherwise than in torchvision; null for its defaults and the published weights, which are downloaded if they are not here.</param>
    /// <inheritdoc cref="Detector.Create"/>
    public static KeypointRcnn Create(string name, KeypointRcnnOptions? options = null)
        => Make(DetectorParts.ByName(name, "keypointrcnn", options ?? new(), ClassLayer), p => new KeypointRcnn(p));

    /// <summary>Makes a Keypoint R-CNN over any backbone.</summary>
    /// <inheritdoc cref="FasterRcnn.Create(SelectedFeatures, int, FasterRcnnOptions)"/>
    public static KeypointRcnn Create(SelectedFeatures backbone, int numClasses, KeypointRcnnOptions? options = null)
        => Make(DetectorParts.Over(backbone, numClasses, options ?? new()), p => new KeypointRcnn(p));

    private protected override void Postprocess(Workspace workspace, DetectorPlan plan)
    {
        base.Postprocess(workspace, plan);
        var w = (RcnnWorkspace)workspace;
        w.CollectDetected();
        if (w.Detected.Count == 0)
            return;
        _keypoint.Run(w, plan, w.Detected, w.MaskFeatures, w.MaskLogits);
        Shape heatmaps = KeypointHead.Graph.Outputs[0].Shape;
        w.Peaks.Run(w.MaskLogits.Array, new(heatmaps[1], heatmaps[2]), _options.NumKeypoints, w.Detected, w.Keypoints);
        w.Clock?.Lap("keypoints");
    }

    private protected override Detection ToDetection(Workspace workspace, int image, int index, Box box, Size2 original)
    {
        var w = (RcnnWorkspace)workspace;
        Size2 resized = w.Sizes[image];
        float x = (float)original.W / resized.W, y = (float)original.H / resized.H;
        ReadOnlySpan<Keypoint> points = w.Keypoints.Array.AsSpan(w.NumberOf(image, index) * _options.NumKeypoints, _options.NumKeypoints);
        var scaled = ImmutableArray.CreateBuilder<Keypoint>(points.Length);
        foreach (Keypoint point in points)
            scaled.Add(point with { X = point.X * x, Y = point.Y * y });
        return base.ToDetection(workspace, image, index, box, original) with { Keypoints = scaled.MoveToImmutable() };
    }
}
