using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Detection;

/// <summary>What all detectors can be told: where the weights are, how images are prepared, what runs the graphs. Names and defaults are torchvision's.</summary>
public abstract record DetectorOptions
{
    private protected DetectorOptions()
    {
    }

    /// <summary>A file with the detector's whole <c>state_dict</c> (safetensors or .pth). For a detector over a backbone of one's own a file with the heads alone is enough.
    /// Null to look up a detector's name, as <see cref="BackboneOptions.WeightsPath"/>.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>The same in memory, in place of a file. The detector does not dispose it.</summary>
    public ParameterStore? Weights { get; init; }

    /// <summary>Whether <see cref="Weights"/> are the published ones of the name, which some models compute otherwise with.</summary>
    internal bool ArePublished { get; init; }

    /// <summary>Make what <see cref="WeightsPath"/> and <see cref="Weights"/> do not have from the parameters' names: for tests and measurements, such a detector finds nothing that means anything.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Whether published weights that are not on this machine are downloaded.</summary>
    public DownloadMode Download { get; init; }

    /// <summary>Folder where downloads are kept and looked for, as <see cref="BackboneOptions.CacheDir"/>.</summary>
    public string? CacheDir { get; init; }

    /// <summary>Gets reports of a download.</summary>
    public IProgress<DownloadProgress>? DownloadProgress { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;

    /// <summary>Number of classes of a detector made by name; null for as many as the weights have. For the R-CNNs and SSD it counts the background.</summary>
    public int? NumClasses { get; init; }

    /// <summary>Names of the classes by <see cref="Detection.Label"/>; null for COCO's where the detector is torchvision's with its 91 classes, else none.</summary>
    public ImmutableArray<string>? Categories { get; init; }

    /// <summary>What runs the graphs; null for the managed engine.</summary>
    public IEngine? Engine { get; init; }

    /// <summary>Threads and precision of the engine. The threads are also those of the code between the graphs.</summary>
    public EngineOptions EngineOptions { get; init; } = EngineOptions.Default;

    /// <summary>Image sizes whose plans are kept, 1 or more. Every padded size is a graph of its own, compiled when the first image of that size comes (about a second);
    /// the one not used for longest goes first.</summary>
    public int PlanCacheSize { get; init; } = 4;

    /// <summary>Images are resized so that the shorter side is this long (<c>min_size</c>) …; null for the model's own, which is 800.</summary>
    public int? MinSize { get; init; }

    /// <summary>… unless the longer side would be longer than this (<c>max_size</c>); null for the model's own, which is 1333.</summary>
    public int? MaxSize { get; init; }

    /// <summary>Images are resized to this size, whatever their shape (<c>fixed_size</c>), and not by <see cref="MinSize"/> and <see cref="MaxSize"/>; null for those two, of SSD for the model's own.</summary>
    public Size2? FixedSize { get; init; }

    /// <summary>Mean of each channel of values in [0, 1]; null for the backbone's.</summary>
    public ImmutableArray<float>? ImageMean { get; init; }

    /// <summary>Standard deviation of each channel of values in [0, 1]; null for the backbone's.</summary>
    public ImmutableArray<float>? ImageStd { get; init; }

    /// <summary>Eps of the backbone's batch normalisations; null for torchvision's of the model. It is 0 with the published weights of the first models (<c>maskrcnn_resnet50_fpn</c>,
    /// <c>fasterrcnn_resnet50_fpn</c>, <c>retinanet_resnet50_fpn</c>): a model that was fine-tuned from those with torchvision has 0 as well, which its file does not tell.</summary>
    public float? BatchNormEps { get; init; }

    /// <summary>A batch is padded to multiples of it (<c>size_divisible</c>).</summary>
    public int SizeDivisible { get; init; } = 32;

    /// <summary>The feature pyramid network between the backbone and the heads; null for none: the heads then get the backbone's maps, which must have equal channels but for SSD.</summary>
    public FeaturePyramid? Pyramid { get; init; }
}

/// <summary>A feature pyramid network (torchvision's <c>BackboneWithFPN</c>).</summary>
/// <param name="OutChannels">Channels of its maps.</param>
/// <param name="Extra">What comes behind the coarsest map.</param>
/// <param name="BatchNorm">Batch normalisation behind every convolution (torchvision's v2 models).</param>
public sealed record FeaturePyramid(int OutChannels = 256, ExtraBlocks Extra = ExtraBlocks.LastLevelMaxPool, bool BatchNorm = false);

/// <summary>What Faster R-CNN can be told.</summary>
public record FasterRcnnOptions : DetectorOptions
{
    /// <summary>torchvision's defaults, with a feature pyramid network.</summary>
    public FasterRcnnOptions() => Pyramid = new();

    /// <summary>The anchors, for each map of the pyramid; null for 32, 64, 128, 256 and 512 pixels, one size a map, with ratios 0.5, 1 and 2.</summary>
    public AnchorGenerator? RpnAnchorGenerator { get; init; }

    /// <summary>Convolutions of the proposal network's head (<c>conv_depth</c>).</summary>
    public int RpnConvDepth { get; init; } = 1;

    /// <summary>Proposals of each map before suppression (<c>rpn_pre_nms_top_n_test</c>); null for the model's own, which is 1000.</summary>
    public int? RpnPreNmsTopN { get; init; }

    /// <summary>Proposals of an image after suppression (<c>rpn_post_nms_top_n_test</c>); null for the model's own, which is 1000.</summary>
    public int? RpnPostNmsTopN { get; init; }

    /// <summary>Overlap from which a proposal is suppressed by a better one.</summary>
    public double RpnNmsThresh { get; init; } = 0.7;

    /// <summary>Score that a proposal must have; null for the model's own, which is 0.</summary>
    public double? RpnScoreThresh { get; init; }

    /// <summary>How proposals are cut from the maps.</summary>
    public MultiScaleRoIAlign BoxRoIPool { get; init; } = new(7);

    /// <summary>Convolutions of the box head, each with batch normalisation, before its fully connected layer (torchvision's <c>FastRCNNConvFCHead</c>); 0 for two fully connected layers (<c>TwoMLPHead</c>).</summary>
    public int BoxHeadConvs { get; init; }

    /// <summary>Scores below it are no detections (<c>box_score_thresh</c>).</summary>
    public double BoxScoreThresh { get; init; } = 0.05;

    /// <summary>Overlap from which a detection is suppressed by a better one of its class (<c>box_nms_thresh</c>).</summary>
    public double BoxNmsThresh { get; init; } = 0.5;

    /// <summary>Most detections of an image (<c>box_detections_per_img</c>).</summary>
    public int BoxDetectionsPerImage { get; init; } = 100;

    /// <summary>Weights of dx, dy, dw and dh (<c>bbox_reg_weights</c>).</summary>
    public BoxCoderWeights BBoxRegWeights { get; init; } = new(10, 10, 5, 5);
}

/// <summary>What Mask R-CNN can be told.</summary>
public record MaskRcnnOptions : FasterRcnnOptions
{
    /// <summary>How detections are cut from the maps for their masks, which are squares.</summary>
    public MultiScaleRoIAlign MaskRoIPool { get; init; } = new(14);

    /// <summary>Channels of the mask head's convolutions.</summary>
    public ImmutableArray<int> MaskLayers { get; init; } = [256, 256, 256, 256];

    /// <summary>Batch normalisation behind each of them (torchvision's v2 models).</summary>
    public bool MaskBatchNorm { get; init; }
}

/// <summary>What Keypoint R-CNN can be told.</summary>
public record KeypointRcnnOptions : FasterRcnnOptions
{
    /// <summary>How detections are cut from the maps for their points.</summary>
    public MultiScaleRoIAlign KeypointRoIPool { get; init; } = new(14);

    /// <summary>Channels of the keypoint head's convolutions.</summary>
    public ImmutableArray<int> KeypointLayers { get; init; } = [512, 512, 512, 512, 512, 512, 512, 512];

    /// <summary>Number of points of an object.</summary>
    public int NumKeypoints { get; init; } = 17;
}

/// <summary>What detectors without proposals can be told.</summary>
public abstract record OneStageOptions : DetectorOptions
{
    private protected OneStageOptions() => Pyramid = new(Extra: ExtraBlocks.LastLevelP6P7);

    /// <summary>The anchors, for each map of the pyramid; null for torchvision's.</summary>
    public AnchorGenerator? AnchorGenerator { get; init; }

    /// <summary>Scores below it are no detections (<c>score_thresh</c>).</summary>
    public double ScoreThresh { get; init; }

    /// <summary>Overlap from which a detection is suppressed by a better one of its class (<c>nms_thresh</c>).</summary>
    public double NmsThresh { get; init; }

    /// <summary>Most detections of an image (<c>detections_per_img</c>).</summary>
    public int DetectionsPerImage { get; init; }

    /// <summary>Detections of each map before suppression (<c>topk_candidates</c>).</summary>
    public int TopKCandidates { get; init; } = 1000;
}

/// <summary>What RetinaNet can be told.</summary>
public sealed record RetinaNetOptions : OneStageOptions
{
    /// <summary>torchvision's defaults.</summary>
    public RetinaNetOptions() => (ScoreThresh, NmsThresh, DetectionsPerImage) = (0.05, 0.5, 300);

    /// <summary>Group normalisation in the heads (torchvision's v2).</summary>
    public bool GroupNorm { get; init; }
}

/// <summary>What SSD can be told. Images come to <see cref="DetectorOptions.FixedSize"/>, whatever their shape: null for the model's own (300 × 300, of SSDlite 320 × 320). SSD does not take
/// <see cref="DetectorOptions.MinSize"/> and <see cref="DetectorOptions.MaxSize"/>.</summary>
public sealed record SsdOptions : DetectorOptions
{
    /// <summary>torchvision's defaults.</summary>
    public SsdOptions() => SizeDivisible = 1;

    /// <summary>The boxes that each map begins with; null for the model's own.</summary>
    public DefaultBoxGenerator? AnchorGenerator { get; init; }

    /// <summary>Heads of depthwise and 1×1 convolutions (torchvision's <c>SSDLiteHead</c>) in place of 3×3 ones.</summary>
    public bool LiteHead { get; init; }

    /// <summary>Scores below it are no detections (<c>score_thresh</c>); null for the model's own, which is 0.01, of SSDlite 0.001.</summary>
    public double? ScoreThresh { get; init; }

    /// <summary>Overlap from which a detection is suppressed by a better one of its class (<c>nms_thresh</c>); null for the model's own, which is 0.45, of SSDlite 0.55.</summary>
    public double? NmsThresh { get; init; }

    /// <summary>Most detections of an image (<c>detections_per_img</c>); null for the model's own, which is 200, of SSDlite 300.</summary>
    public int? DetectionsPerImage { get; init; }

    /// <summary>Detections of each class before suppression (<c>topk_candidates</c>); null for the model's own, which is 400, of SSDlite 300.</summary>
    public int? TopKCandidates { get; init; }
}

/// <summary>What FCOS can be told.</summary>
public sealed record FcosOptions : OneStageOptions
{
    /// <summary>torchvision's defaults.</summary>
    public FcosOptions() => (ScoreThresh, NmsThresh, DetectionsPerImage) = (0.2, 0.6, 100);
}
