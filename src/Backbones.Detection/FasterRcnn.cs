using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Detection;

/// <summary>
/// Faster R-CNN: proposals of a network over all maps, each then classified and moved.
/// torchvision: <c>models/detection/faster_rcnn.py</c>. Paper: https://arxiv.org/abs/1506.01497
/// </summary>
public class FasterRcnn : Detector
{
    private readonly FasterRcnnOptions _options;
    private readonly AnchorGenerator _anchors;
    private readonly BoxCoder _proposalCoder = new(new(1, 1, 1, 1)), _boxCoder;
    private readonly RoIStage _box;
    private readonly int _preNmsTopN, _postNmsTopN;
    private readonly float _rpnScoreThresh, _boxScoreThresh;

    private protected FasterRcnn(DetectorParts parts) : base(parts)
    {
        _options = (FasterRcnnOptions)parts.Options;
        _anchors = _options.RpnAnchorGenerator ?? new AnchorGenerator([[32], [64], [128], [256], [512]], [[0.5f, 1, 2]]);
        _boxCoder = new(_options.BBoxRegWeights);
        _preNmsTopN = _options.RpnPreNmsTopN ?? 1000;
        _postNmsTopN = _options.RpnPostNmsTopN ?? 1000;
        _rpnScoreThresh = (float)(_options.RpnScoreThresh ?? 0);
        _boxScoreThresh = (float)_options.BoxScoreThresh;
        _box = Stage("box", _options.BoxRoIPool, () => _options.BoxHeadConvs == 0
            ? RoIHead.TwoMlp(MapChannels, _options.BoxRoIPool.OutputSize, NumClasses, _postNmsTopN) : RoIHead.ConvFc(MapChannels, _options.BoxRoIPool.OutputSize, NumClasses, _options.BoxHeadConvs));
    }

    /// <summary>The head that classifies proposals.</summary>
    internal RoIHead BoxHead => _box.Head;

    /// <summary>Makes one of torchvision's Faster R-CNNs.</summary>
    /// <param name="name"><c>torchvision/fasterrcnn_resnet50_fpn</c>, <c>…_v2</c>, <c>torchvision/fasterrcnn_mobilenet_v3_large_fpn</c>, <c>…_320_fpn</c>.</param>
    /// <param name="options">What is to be otherwise than in torchvision; null for its defaults and the published weights, which are downloaded if they are not here.</param>
    /// <inheritdoc cref="Detector.Create"/>
    public static FasterRcnn Create(string name, FasterRcnnOptions? options = null)
        => new FasterRcnn(DetectorParts.ByName(name, "fasterrcnn", options ?? new(), ClassLayer)).Checked<FasterRcnn>();

    /// <summary>Makes a Faster R-CNN over any backbone.</summary>
    /// <param name="backbone">Maps from fine to coarse, made by <see cref="Backbone.Select(FeatureSelection)"/>; the backbone must live as long as the detector.</param>
    /// <param name="numClasses">Number of classes, the background among them.</param>
    /// <param name="options">Weights of the heads, pyramid, thresholds.</param>
    /// <exception cref="ArgumentException">The selection was not made by a backbone, or an option makes no sense.</exception>
    /// <exception cref="GraphException">What was selected are no maps, the backbone cannot have other image sizes, or there are not as many anchors as maps.</exception>
    /// <exception cref="ParameterMismatchException">The weights lack something, or are for another number of classes.</exception>
    public static FasterRcnn Create(SelectedFeatures backbone, int numClasses, FasterRcnnOptions? options = null)
        => new FasterRcnn(DetectorParts.Over(backbone, numClasses, options ?? new())).Checked<FasterRcnn>();

    /// <summary>Where the number of classes stands in the weights.</summary>
    private protected static (string Layer, int Rows) ClassLayer(DetectorOptions options) => ("roi_heads.box_predictor.cls_score.weight", 1);

    internal override Workspace CreateWorkspace() => new RcnnWorkspace(Pool);

    internal override FeatureGraph BuildFeatures(Size2 size)
        => FeatureGraph.Build(Body, size, _options.Pyramid, [.. Stages.Select(s => s.Pooler)], (b, maps) => RpnHead.Build(b, maps, _anchors.CellAnchors[0].Length, _options.RpnConvDepth));

    /// <summary>What is done with boxes, one after another.</summary>
    private protected virtual ImmutableArray<RoIStage> Stages => [_box];

    private protected override IEnumerable<Graph> HeadGraphs() => Stages.Select(s => s.Head.Graph);

    internal override IAnchors AnchorsOfLevels => _anchors;

    private protected override void Dispose(bool disposing)
    {
        foreach (RoIStage stage in Stages)
            stage.Dispose();
    }

    /// <summary>A stage on this detector's engine.</summary>
    private protected RoIStage Stage(string name, MultiScaleRoIAlign pooler, Func<RoIHead> head) => new(name, pooler, head, h => Engine.Compile(h.Graph, Parameters, EngineOptions));

    private protected override void Postprocess(Workspace workspace, DetectorPlan plan)
    {
        var w = (RcnnWorkspace)workspace;
        w.Proposals.Clear();
        for (int image = 0; image < w.Count; image++)
            Propose(w, plan, image);
        w.Clock?.Lap("proposals");
        if (w.Proposals.Count == 0)
            return;
        _box.Run(w, plan, w.Proposals, w.BoxFeatures, w.ClassLogits, w.BoxRegression);
        for (int image = 0, first = 0; image < w.Count; image++)
        {
            int end = first;
            while (end < w.Proposals.Count && w.Proposals.Labels[end] == image)
                end++;
            Classify(w, image, first, end);
            first = end;
        }
        w.Clock?.Lap("detections");
    }

    /// <summary>The proposals of an image: the best anchors of each map, moved, without those that better ones of the same map overlap.</summary>
    private void Propose(RcnnWorkspace w, DetectorPlan plan, int image)
    {
        FeatureGraph features = plan.Features;
        Size2 size = w.Sizes[image];
        w.Candidates.Clear();
        for (int level = 0; level < features.Levels.Length; level++)
        {
            AnchorGrid anchors = plan.Anchors[level];
            int output = features.Pooled.Length + level;
            ReadOnlySpan<float> objectness = w.Output(output).AsSpan(image * anchors.Count, anchors.Count);
            ReadOnlySpan<float> deltas = w.Output(output + features.Levels.Length).AsSpan(4 * image * anchors.Count, 4 * anchors.Count);
            foreach (ulong key in w.Highest(objectness, Math.Min(_preNmsTopN, anchors.Count)))
            {
                int i = RankedKeys.Index(key);
                Box box = Boxes.ClipToImage(_proposalCoder.Decode(new(deltas[4 * i], deltas[4 * i + 1], deltas[4 * i + 2], deltas[4 * i + 3]), anchors[i]), size.W, size.H);
                float score = Probabilities.Sigmoid(objectness[i]);
                if (Boxes.IsAtLeast(box, Boxes.SmallestProposal) && score >= _rpnScoreThresh)
                    w.Candidates.Add(box, score, level);
            }
        }
        ReadOnlySpan<int> kept = w.Suppression.RunByClass(w.Candidates, _options.RpnNmsThresh);
        foreach (int i in kept[..Math.Min(kept.Length, _postNmsTopN)])
            w.Proposals.Add(w.Candidates[i], w.Candidates.Scores[i], image);
    }

    /// <summary>The detections of an image: every class of every proposal is one, if its score is high enough.</summary>
    private void Classify(RcnnWorkspace w, int image, int first, int end)
    {
        Size2 size = w.Sizes[image];
        Span<float> scores = w.Probabilities.Span(NumClasses);
        w.Candidates.Clear();
        for (int i = first; i < end; i++)
        {
            Probabilities.Softmax(w.ClassLogits.Array.AsSpan(i * NumClasses, NumClasses), scores);
            for (int label = 1; label < NumClasses; label++)
            {
                if (!(scores[label] > _boxScoreThresh))
                    continue;
                ReadOnlySpan<float> delta = w.BoxRegression.Array.AsSpan((i * NumClasses + label) * 4, 4);
                Box box = Boxes.ClipToImage(_boxCoder.Decode(new(delta[0], delta[1], delta[2], delta[3]), w.Proposals[i]), size.W, size.H);
                if (Boxes.IsAtLeast(box, Boxes.SmallestDetection))
                    w.Candidates.Add(box, scores[label], label);
            }
        }
        ReadOnlySpan<int> kept = w.Suppression.RunByClass(w.Candidates, _options.BoxNmsThresh);
        foreach (int i in kept[..Math.Min(kept.Length, _options.BoxDetectionsPerImage)])
            w.Results[image].Add(w.Candidates[i], w.Candidates.Scores[i], w.Candidates.Labels[i]);
    }
}
