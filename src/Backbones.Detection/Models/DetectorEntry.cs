using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Detection;

/// <summary>One of torchvision's detectors by name.</summary>
/// <param name="Name">The name, <c>torchvision/maskrcnn_resnet50_fpn</c>.</param>
/// <param name="Url">Where the published weights are, trained on COCO (<c>COCO_V1</c>).</param>
/// <param name="Backbone">The backbone's name.</param>
/// <param name="Maps">The maps that the pyramid or the heads get, from fine to coarse, for a padded size; the weights, where there are any, tell which of several variants it is.</param>
/// <param name="Adapt">What is torchvision's own of the model, put into options that leave it open.</param>
internal sealed record DetectorEntry(string Name, string Url, string Backbone, Func<ParameterStore?, Size2, SelectedFeatures> Maps, Func<DetectorOptions, DetectorOptions> Adapt)
{
    /// <summary>The first word of its name: <c>maskrcnn</c>, <c>retinanet</c>, ….</summary>
    public string Kind { get; } = Name.Split('/')[1].Split('_')[0];

    /// <summary>The detector's key of one of the backbone's; null for the backbone's own below <c>backbone.body</c>.</summary>
    public Func<string, string>? KeyOf { get; init; }

    /// <summary>Eps of the backbone's batch normalisations; null for the backbone's own.</summary>
    public float? BatchNormEps { get; init; }

    /// <summary>The same with the published weights, where it is another: the first models were trained without any.</summary>
    public float? PublishedBatchNormEps { get; init; }

    /// <summary>Whether a file is that of the published weights, by its name, which carries the first digits of its hash.</summary>
    public bool IsPublished(string path) => Path.GetFileName(path) == Url[(Url.LastIndexOf('/') + 1)..];

    /// <summary>Names of the classes of the published weights.</summary>
    public ImmutableArray<string> Categories { get; init; } = CocoCategories.Names;

    /// <summary>What tells the published weights.</summary>
    public PretrainedConfig Config => new() { Architecture = Name, Tag = "coco_v1", Url = Url, License = "bsd-3-clause", NumClasses = Categories.Length };
}

/// <summary>torchvision's detectors.</summary>
internal static class DetectorCatalog
{
    private const string Prefix = "torchvision/", Weights = "https://download.pytorch.org/models/", Tag = ".coco_v1";

    private static readonly ImmutableArray<string> s_layers1To4 = ["layer1", "layer2", "layer3", "layer4"], s_layers2To4 = ["layer2", "layer3", "layer4"];

    /// <summary>The last inverted residual with a stride and the last convolution.</summary>
    private static readonly ImmutableArray<string> s_mobileNetLevels = ["features.13", "features.16"];

    public static ImmutableArray<DetectorEntry> Entries { get; } =
    [
        ResNet("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", s_layers1To4, o => (FasterRcnnOptions)o) with { PublishedBatchNormEps = 0 },
        ResNet("fasterrcnn_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", s_layers1To4, o => RcnnV2((FasterRcnnOptions)o)),
        MobileNet("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", MobileNetRcnn),
        MobileNet("fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth", o => MobileNetRcnn(o) with
        {
            MinSize = o.MinSize ?? 320,
            MaxSize = o.MaxSize ?? 640,
            RpnPreNmsTopN = o.RpnPreNmsTopN ?? 150,
            RpnPostNmsTopN = o.RpnPostNmsTopN ?? 150,
        }),
        ResNet("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", s_layers1To4, o => (MaskRcnnOptions)o) with { PublishedBatchNormEps = 0 },
        ResNet("maskrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", s_layers1To4, o => RcnnV2((MaskRcnnOptions)o with { MaskBatchNorm = true })),
        ResNet("keypointrcnn_resnet50_fpn", "keypointrcnn_resnet50_fpn_coco-fc266e95.pth", s_layers1To4, o => (KeypointRcnnOptions)o) with { PublishedBatchNormEps = 0, Categories = ["no person", "person"] },
        ResNet("retinanet_resnet50_fpn", "retinanet_resnet50_fpn_coco-eeacb38b.pth", s_layers2To4, o => (RetinaNetOptions)o) with { PublishedBatchNormEps = 0 },
        ResNet("retinanet_resnet50_fpn_v2", "retinanet_resnet50_fpn_v2_coco-5905b1c5.pth", s_layers2To4, o => (RetinaNetOptions)o with { GroupNorm = true, Pyramid = new(Extra: ExtraBlocks.LastLevelP6P7OnBody) }),
        ResNet("fcos_resnet50_fpn", "fcos_resnet50_fpn_coco-99b0c9b7.pth", s_layers2To4, o => (FcosOptions)o),
        new(Prefix + "ssd300_vgg16", Weights + "ssd300_vgg16_coco-b556d3b4.pth", Prefix + "vgg16", (_, size) => SsdVgg.Build(size), o => Ssd300((SsdOptions)o)) { KeyOf = SsdVgg.KeyOf },
        new(Prefix + "ssdlite320_mobilenet_v3_large", Weights + "ssdlite320_mobilenet_v3_large_coco-a79551df.pth", Prefix + "mobilenet_v3_large", SsdLiteMobileNet.Build, o => SsdLite320((SsdOptions)o))
        {
            KeyOf = SsdLiteMobileNet.KeyOf,
        },
    ];

    /// <summary>The detector of that name, with or without the tag of its weights.</summary>
    /// <param name="name">A name such as <c>torchvision/maskrcnn_resnet50_fpn</c>, or as torchvision names its weights, <c>MaskRCNN_ResNet50_FPN_Weights.COCO_V1</c>.</param>
    /// <param name="kind">What the names of the kind that is asked for begin with; empty for any.</param>
    /// <exception cref="UnknownModelException">There is none; the message has the nearest names.</exception>
    public static DetectorEntry Find(string name, string kind = "")
    {
        ArgumentNullException.ThrowIfNull(name);
        string resolved = TorchvisionWeightsName.Resolve(name), plain = resolved.EndsWith(Tag, StringComparison.Ordinal) ? resolved[..^Tag.Length] : resolved;
        IEnumerable<DetectorEntry> ofKind = Entries.Where(e => e.Name.StartsWith(Prefix + kind, StringComparison.Ordinal));
        return ofKind.FirstOrDefault(e => e.Name == plain)
            ?? throw new UnknownModelException(name, $"There is no detector '{name}'{(kind.Length > 0 && Entries.Any(e => e.Name == plain) ? " of this kind" : "")}.",
                NearestName.Find(plain, ofKind.Select(e => e.Name)), $" There are {string.Join(", ", ofKind.Select(e => $"'{e.Name}'"))}.");
    }

    private static DetectorEntry ResNet(string name, string file, ImmutableArray<string> levels, Func<DetectorOptions, DetectorOptions> adapt)
        => new(Prefix + name, Weights + file, Prefix + "resnet50", Nodes(Prefix + "resnet50", levels), adapt);

    /// <summary>torchvision gives detectors' MobileNets PyTorch's eps, whereas the classifiers have 0.001.</summary>
    private static DetectorEntry MobileNet(string name, string file, Func<FasterRcnnOptions, FasterRcnnOptions> adapt)
        => new(Prefix + name, Weights + file, Prefix + "mobilenet_v3_large", Nodes(Prefix + "mobilenet_v3_large", s_mobileNetLevels), o => adapt((FasterRcnnOptions)o))
        {
            // The body is MobileNet's features.
            KeyOf = key => BodyGraph.Prefix + (key.StartsWith("features.", StringComparison.Ordinal) ? key["features.".Length..] : key),
            BatchNormEps = 1e-5f,
        };

    private static Func<ParameterStore?, Size2, SelectedFeatures> Nodes(string backbone, ImmutableArray<string> levels)
        => (_, size) => SelectedFeatures.Create(ModelCatalog.Find(backbone), FeatureSelection.Nodes(levels), new BuildOptions { ImageSize = size });

    private static FasterRcnnOptions RcnnV2(FasterRcnnOptions options) => options with { RpnConvDepth = 2, BoxHeadConvs = 4, Pyramid = new(BatchNorm: true) };

    /// <summary>VGG's weights are those of the paper's authors, for pixels in 0 to 255 less their mean.</summary>
    private static SsdOptions Ssd300(SsdOptions options) => options with
    {
        AnchorGenerator = options.AnchorGenerator ?? new([[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales: [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05], steps: [8, 16, 32, 64, 100, 300]),
        FixedSize = options.FixedSize ?? 300,
        ImageMean = options.ImageMean ?? [0.48235f, 0.45882f, 0.40784f],
        ImageStd = options.ImageStd ?? [.. Enumerable.Repeat((float)(1 / 255.0), 3)],
    };

    private static SsdOptions SsdLite320(SsdOptions options) => options with
    {
        AnchorGenerator = options.AnchorGenerator ?? new([.. Enumerable.Repeat<double[]>([2, 3], 6)], minRatio: 0.2, maxRatio: 0.95),
        LiteHead = true,
        FixedSize = options.FixedSize ?? 320,
        ImageMean = options.ImageMean ?? [0.5f, 0.5f, 0.5f],
        ImageStd = options.ImageStd ?? [0.5f, 0.5f, 0.5f],
        ScoreThresh = options.ScoreThresh ?? 0.001,
        NmsThresh = options.NmsThresh ?? 0.55,
        DetectionsPerImage = options.DetectionsPerImage ?? 300,
        TopKCandidates = options.TopKCandidates ?? 300,
    };

    private static FasterRcnnOptions MobileNetRcnn(FasterRcnnOptions options) => options with
    {
        RpnScoreThresh = options.RpnScoreThresh ?? 0.05,
        RpnAnchorGenerator = options.RpnAnchorGenerator ?? new AnchorGenerator([.. Enumerable.Repeat<float[]>([32, 64, 128, 256, 512], 3)], [[0.5f, 1, 2]]),
    };
}
