using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// SSD and SSDlite: every map has a head of its own, and all images come to one size. torchvision: <c>models/detection/ssd.py</c>, <c>ssdlite.py</c>. Papers: SSD: Single Shot MultiBox Detector,
/// https://arxiv.org/abs/1512.02325; MobileNetV2, https://arxiv.org/abs/1801.04381
/// </summary>
public sealed class Ssd : Detector
{
    private readonly BoxCoder _coder = new(new(10, 10, 5, 5));
    private readonly SsdOptions _options;
    private readonly DefaultBoxGenerator _anchors;
    private readonly float _scoreThresh;
    private readonly double _nmsThresh;
    private readonly int _topKCandidates, _detectionsPerImage;

    private Ssd(DetectorParts parts) : base(parts)
    {
        _options = (SsdOptions)parts.Options;
        _anchors = _options.AnchorGenerator!;
        _scoreThresh = (float)(_options.ScoreThresh ?? 0.01);
        _nmsThresh = _options.NmsThresh ?? 0.45;
        _topKCandidates = _options.TopKCandidates ?? 400;
        _detectionsPerImage = _options.DetectionsPerImage ?? 200;
    }

    /// <summary>Makes torchvision's SSD or SSDlite.</summary>
    /// <param name="name"><c>torchvision/ssd300_vgg16</c> or <c>torchvision/ssdlite320_mobilenet_v3_large</c>.</param>
    /// <param name="options">What is to be otherwise than in torchvision; null for its defaults and the published weights, which are downloaded if they are not here.</param>
    /// <inheritdoc cref="Detector.Create"/>
    public static Ssd Create(string name, SsdOptions? options = null)
        => new Ssd(DetectorParts.ByName(name, "ssd", options ?? new(), o => ClassLayer((SsdOptions)o))).Checked<Ssd>();

    /// <summary>Makes an SSD over any backbone.</summary>
    /// <param name="backbone">Maps from fine to coarse, made by <see cref="Backbone.Select(FeatureSelection)"/>, with any numbers of channels; the backbone must live as long as the detector.</param>
    /// <param name="numClasses">Number of classes, the background among them.</param>
    /// <param name="options">Weights of the heads, thresholds; <see cref="SsdOptions.AnchorGenerator"/> and <see cref="DetectorOptions.FixedSize"/> must be there, as in torchvision.</param>
    /// <exception cref="ArgumentException">The selection was not made by a backbone, or an option is missing or makes no sense.</exception>
    /// <exception cref="GraphException">What was selected are no maps, or the backbone cannot have that image size.</exception>
    /// <inheritdoc cref="FasterRcnn.Create(SelectedFeatures, int, FasterRcnnOptions)"/>
    public static Ssd Create(SelectedFeatures backbone, int numClasses, SsdOptions? options = null)
    {
        if (options?.AnchorGenerator is null)
            throw new ArgumentException($"{nameof(SsdOptions)}.{nameof(options.AnchorGenerator)} is missing: give a {nameof(DefaultBoxGenerator)} with a list of aspect ratios for each map.", nameof(options));
        if (options.FixedSize is null)
            throw new ArgumentException($"{nameof(SsdOptions)}.{nameof(options.FixedSize)} is missing: SSD resizes every image to one size; give it, for example 300.", nameof(options));
        return new Ssd(DetectorParts.Over(backbone, numClasses, options)).Checked<Ssd>();
    }

    /// <summary>All that is computed of a batch, for training: outputs are what the heads say of each map, from fine to coarse, first the classes' logits <c>[H, W, anchors · classes]</c>, then the
    /// boxes' deltas <c>[H, W, anchors · 4]</c>. Parameters have torchvision's names.</summary>
    /// <param name="size">Size of the batch's images.</param>
    /// <exception cref="GraphException">The backbone cannot have such images.</exception>
    public Graph GraphFor(Size2 size) => BuildFeatures(size).Graph;

    internal override IAnchors AnchorsOfLevels => _anchors;

    internal override FeatureGraph BuildFeatures(Size2 size) => FeatureGraph.Build(Body, size, _options.Pyramid, [],
        (b, maps) => SsdHead.Build(b, maps, _anchors.PerPixel(maps.Length), NumClasses, _options.LiteHead), sharesHeads: false);

    internal override Workspace CreateWorkspace() => new SsdWorkspace(Pool);

    private protected override IEnumerable<Graph> HeadGraphs() => [];

    private protected override void Postprocess(Workspace workspace, DetectorPlan plan)
    {
        var w = (SsdWorkspace)workspace;
        int anchors = plan.Anchors.Sum(a => a.Count);
        for (int image = 0; image < w.Count; image++)
        {
            Score(w, plan, image, w.Scores.Span(anchors * NumClasses));
            w.Clock?.Lap("scores");
            w.Candidates.Clear();
            for (int label = 1; label < NumClasses; label++)
                AddBest(w, plan, image, label, anchors);
            w.Clock?.Lap("candidates");
            ReadOnlySpan<int> kept = w.Suppression.RunByClass(w.Candidates, _nmsThresh);
            foreach (int i in kept[..Math.Min(kept.Length, _detectionsPerImage)])
                w.Results[image].Add(w.Candidates[i], w.Candidates.Scores[i], w.Candidates.Labels[i]);
            w.Clock?.Lap("detections");
        }
    }

    /// <summary>The layer whose rows tell the classes: that of the finest map.</summary>
    private static (string Layer, int Rows) ClassLayer(SsdOptions options)
        => ($"head.classification_head.module_list.0.{(options.LiteHead ? "1." : "")}weight", options.AnchorGenerator!.PerPixel(options.AnchorGenerator.AspectRatios.Length)[0]);

    /// <summary>The scores of all classes of all anchors, map by map.</summary>
    private void Score(SsdWorkspace w, DetectorPlan plan, int image, Span<float> scores)
    {
        for (int level = 0, first = 0; level < plan.Anchors.Length; level++)
        {
            int length = plan.Anchors[level].Count * NumClasses;
            ReadOnlySpan<float> logits = w.Output(level).AsSpan(image * length, length);
            for (int i = 0; i < length; i += NumClasses)
                Probabilities.Softmax(logits.Slice(i, NumClasses), scores.Slice(first + i, NumClasses));
            first += length;
        }
    }

    /// <summary>The best anchors of a class.</summary>
    private void AddBest(SsdWorkspace w, DetectorPlan plan, int image, int label, int anchors)
    {
        ReadOnlySpan<float> scores = w.Scores.Array;
        int count = 0;
        ulong[] keys = w.Keys.Ensure(anchors);
        for (int i = 0; i < anchors; i++)
        {
            float score = scores[i * NumClasses + label];
            if (score > _scoreThresh)
                keys[count++] = RankedKeys.Of(score, i);
        }
        int best = Math.Min(count, _topKCandidates);
        RankedKeys.SelectFirst(keys.AsSpan(0, count), best);
        Size2 size = w.Sizes[image];
        foreach (ulong key in keys.AsSpan(0, best))
        {
            int number = RankedKeys.Index(key), level = 0, anchor = number;
            while (anchor >= plan.Anchors[level].Count)
                anchor -= plan.Anchors[level++].Count;
            ReadOnlySpan<float> delta = w.Output(plan.Anchors.Length + level).AsSpan(4 * (image * plan.Anchors[level].Count + anchor), 4);
            Box box = _coder.Decode(new(delta[0], delta[1], delta[2], delta[3]), plan.Anchors[level][anchor]);
            w.Candidates.Add(Boxes.ClipToImage(box, size.W, size.H), scores[number * NumClasses + label], label);
        }
    }
}
