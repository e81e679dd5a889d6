using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>A detector without proposals: every pixel of every map says of each of its anchors what is there.</summary>
public abstract class OneStageDetector : Detector
{
    /// <summary>What logits may be lower than the inverse of the threshold: float32's roundings are far less.</summary>
    private const double CutMargin = 1e-2;

    private readonly OneStageOptions _options;
    private readonly float _scoreThresh, _logitCut;

    /// <param name="parts">What it is made of.</param>
    /// <param name="anchors">The anchors.</param>
    /// <param name="least">The least sigmoid of a logit with which a score can be high enough.</param>
    private protected OneStageDetector(DetectorParts parts, AnchorGenerator anchors, double least) : base(parts)
    {
        _options = (OneStageOptions)parts.Options;
        _scoreThresh = (float)_options.ScoreThresh;
        _logitCut = least > 0 ? (float)(Math.Log(least / (1 - least)) - CutMargin) : float.NegativeInfinity;
        AnchorGenerator = anchors;
    }

    private protected AnchorGenerator AnchorGenerator { get; }

    /// <summary>All that is computed of a padded batch, for training: outputs are what the heads say of each map, from fine to coarse, first the classes' logits <c>[H, W, anchors · classes]</c>, then
    /// the boxes' deltas <c>[H, W, anchors · 4]</c>, of FCOS then the centre-ness <c>[H, W, anchors]</c>. Parameters have torchvision's names.</summary>
    /// <param name="size">Size of the padded batch.</param>
    /// <exception cref="GraphException">The backbone cannot have such images.</exception>
    public Graph GraphFor(Size2 size) => BuildFeatures(size).Graph;

    internal override IAnchors AnchorsOfLevels => AnchorGenerator;

    internal override Workspace CreateWorkspace() => new(Pool);

    private protected override IEnumerable<Graph> HeadGraphs() => [];

    /// <summary>The score of one class of one anchor.</summary>
    /// <param name="logit">What the classification head says.</param>
    /// <param name="anchor">Number of the anchor in its map.</param>
    /// <param name="others">What other heads say of the map; empty where there are none.</param>
    private protected abstract float ScoreOf(float logit, int anchor, ReadOnlySpan<float> others);

    private protected abstract Box Decode(BoxDelta delta, Box anchor);

    private protected override void Postprocess(Workspace w, DetectorPlan plan)
    {
        int levels = plan.Features.Levels.Length, heads = plan.Features.Heads.Length;
        for (int image = 0; image < w.Count; image++)
        {
            w.Candidates.Clear();
            for (int level = 0; level < levels; level++)
            {
                int anchors = plan.Anchors[level].Count;
                ReadOnlySpan<float> others = heads > 2 ? w.Output(2 * levels + level).AsSpan(image * anchors, anchors) : [];
                AddBest(w, w.Sizes[image], w.Output(level).AsSpan(image * anchors * NumClasses, anchors * NumClasses), w.Output(levels + level).AsSpan(4 * image * anchors, 4 * anchors), others, plan.Anchors[level]);
            }
            ReadOnlySpan<int> kept = w.Suppression.RunByClass(w.Candidates, _options.NmsThresh);
            foreach (int i in kept[..Math.Min(kept.Length, _options.DetectionsPerImage)])
                w.Results[image].Add(w.Candidates[i], w.Candidates.Scores[i], w.Candidates.Labels[i]);
        }
    }

    /// <summary>The best classes of the anchors of a map.</summary>
    private void AddBest(Workspace w, Size2 size, ReadOnlySpan<float> logits, ReadOnlySpan<float> deltas, ReadOnlySpan<float> others, AnchorGrid anchors)
    {
        ulong[] keys = w.Keys.Ensure(logits.Length);
        int count = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            // Nearly all are far below: no exponential is needed to see that.
            if (!(logits[i] > _logitCut))
                continue;
            float score = ScoreOf(logits[i], i / NumClasses, others);
            if (score > _scoreThresh)
                keys[count++] = RankedKeys.Of(score, i);
        }
        int best = Math.Min(count, _options.TopKCandidates);
        RankedKeys.SelectFirst(keys.AsSpan(0, count), best);
        foreach (ulong key in keys.AsSpan(0, best))
        {
            int i = RankedKeys.Index(key);
            (int anchor, int label) = Math.DivRem(i, NumClasses);
            Box box = Decode(new(deltas[4 * anchor], deltas[4 * anchor + 1], deltas[4 * anchor + 2], deltas[4 * anchor + 3]), anchors[anchor]);
            w.Candidates.Add(Boxes.ClipToImage(box, size.W, size.H), ScoreOf(logits[i], anchor, others), label);
        }
    }
}
