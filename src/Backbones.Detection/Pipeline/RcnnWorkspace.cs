using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>The memory of detectors with proposals.</summary>
internal sealed class RcnnWorkspace(WorkerPool pool) : Workspace(pool)
{
    private readonly RoIAlignKernel _align = new(pool);
    private readonly Grown<RegionOfInterest> _regions = new();
    private ChannelsLastMap[] _maps = [];
    private float[] _scales = [];

    /// <summary>Proposals of all images, one image after another; their label is the image's number.</summary>
    public BoxList Proposals { get; } = new();

    /// <summary>Detections of all images in the same way, for the masks.</summary>
    public BoxList Detected { get; } = new();

    /// <summary>What was cut for each proposal, <c>[H, W, C]</c>.</summary>
    public Grown<float> BoxFeatures { get; } = new();

    /// <summary><c>[proposals, classes]</c>.</summary>
    public Grown<float> ClassLogits { get; } = new();

    /// <summary><c>[proposals, classes, 4]</c>.</summary>
    public Grown<float> BoxRegression { get; } = new();

    /// <summary>Finds the points of detections.</summary>
    public HeatmapPeaks Peaks { get; } = new(pool);

    /// <summary>The points of all detections, in the resized images' pixels.</summary>
    public Grown<Keypoint> Keypoints { get; } = new();

    /// <summary>What was cut for each detection, <c>[H, W, C]</c>.</summary>
    public Grown<float> MaskFeatures { get; } = new();

    /// <summary><c>[detections, classes, 2H, 2W]</c>, or the heatmaps of points <c>[detections, keypoints, 4H, 4W]</c>.</summary>
    public Grown<float> MaskLogits { get; } = new();

    public Grown<float> Probabilities { get; } = new();

    /// <summary>Puts the detections of all images together.</summary>
    public void CollectDetected()
    {
        Detected.Clear();
        for (int image = 0; image < Count; image++)
        {
            for (int i = 0; i < Results[image].Count; i++)
                Detected.Add(Results[image][i], 0, image);
        }
    }

    /// <summary>Number of an image's detection among those of all.</summary>
    public int NumberOf(int image, int index)
    {
        for (int i = 0; i < image; i++)
            index += Results[i].Count;
        return index;
    }

    /// <summary>Cuts boxes, whose label is the image's number, from the maps that fit their size.</summary>
    /// <param name="plan">The plan that made the maps.</param>
    /// <param name="boxes">The boxes.</param>
    /// <param name="pooler">How they are cut.</param>
    /// <param name="rows">Boxes in an item of the head that follows: there is room for whole items.</param>
    /// <param name="output">What is cut, <c>[H, W, C]</c> for each box.</param>
    public void Cut(DetectorPlan plan, BoxList boxes, MultiScaleRoIAlign pooler, int rows, Grown<float> output)
    {
        FeatureGraph features = plan.Features;
        int[] levels = [.. Enumerable.Range(0, features.Pooled.Length).Where(i => pooler.FeatmapNames.Contains(features.Levels[features.Pooled[i]].Name))];
        if (_maps.Length != levels.Length)
            (_maps, _scales) = (new ChannelsLastMap[levels.Length], new float[levels.Length]);
        Span<Size2> sizes = stackalloc Size2[levels.Length];
        for (int i = 0; i < levels.Length; i++)
        {
            Shape map = features.Graph.Outputs[levels[i]].Shape;
            sizes[i] = new(map[0], map[1]);
            _maps[i] = new(Output(levels[i]), map[0], map[1], map[2]);
        }
        Size2 largest = default;
        foreach (Size2 size in Sizes)
            largest = new(Math.Max(largest.H, size.H), Math.Max(largest.W, size.W));
        LevelMapping mapping = LevelMapping.Of(sizes, largest, pooler, _scales);
        RegionOfInterest[] regions = _regions.Ensure(boxes.Count);
        for (int i = 0; i < boxes.Count; i++)
            regions[i] = new(boxes[i], boxes.Labels[i], mapping.LevelOf(boxes[i]));
        int length = pooler.OutputSize.H * pooler.OutputSize.W * _maps[0].Channels;
        _align.Run(_maps, _scales, regions, boxes.Count, pooler.OutputSize, pooler.SamplingRatio, aligned: false, output.Ensure(checked((boxes.Count + rows - 1) / rows * rows * length)));
    }
}
