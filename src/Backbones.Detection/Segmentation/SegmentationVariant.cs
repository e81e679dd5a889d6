using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;

namespace Backbones.Segmentation;

/// <summary>torchvision's segmentation models (<c>torchvision.models.segmentation</c>): backbone, maps, heads, weights.</summary>
/// <param name="Backbone">The backbone's name.</param>
/// <param name="OutputStride">Its stride: torchvision replaces strides by dilations.</param>
/// <param name="Maps">Nodes of the maps and torchvision's keys for them.</param>
/// <param name="Method">The heads.</param>
/// <param name="WeightsFile">File of the weights COCO_WITH_VOC_LABELS_V1; its name carries the first digits of its SHA-256.</param>
internal sealed record SegmentationVariant(string Backbone, int OutputStride, ImmutableArray<(string Node, string Key)> Maps, SegmentationMethod Method, string WeightsFile)
{
    /// <summary>The one tag: trained on the pictures of COCO with the classes of Pascal VOC.</summary>
    public const string Tag = "coco_with_voc_labels_v1";

    /// <summary>Shorter side of the picture in torchvision's transforms of these weights, in pixels.</summary>
    public const int ResizeSize = 520;

    private static readonly ImmutableArray<(string, string)> s_stages = [("layer3", "aux"), ("layer4", "out")];
    // The last blocks before strides 8 (the fourth of sixteen) and the last convolution.
    private static readonly ImmutableArray<(string, string)> s_mobileNet = [("features.4", "aux"), ("features.16", "out")], s_mobileNetLowHigh = [("features.4", "low"), ("features.16", "high")];

    private static readonly Dictionary<string, SegmentationVariant> s_all = new(StringComparer.Ordinal)
    {
        ["torchvision/deeplabv3_mobilenet_v3_large"] = new("torchvision/mobilenet_v3_large", 16, s_mobileNet, SegmentationMethod.DeepLabV3, "deeplabv3_mobilenet_v3_large-fc3c493d.pth"),
        ["torchvision/deeplabv3_resnet101"] = new("torchvision/resnet101", 8, s_stages, SegmentationMethod.DeepLabV3, "deeplabv3_resnet101_coco-586e9e4e.pth"),
        ["torchvision/deeplabv3_resnet50"] = new("torchvision/resnet50", 8, s_stages, SegmentationMethod.DeepLabV3, "deeplabv3_resnet50_coco-cd0a2569.pth"),
        ["torchvision/fcn_resnet101"] = new("torchvision/resnet101", 8, s_stages, SegmentationMethod.Fcn, "fcn_resnet101_coco-7ecb50ca.pth"),
        ["torchvision/fcn_resnet50"] = new("torchvision/resnet50", 8, s_stages, SegmentationMethod.Fcn, "fcn_resnet50_coco-1167a1af.pth"),
        ["torchvision/lraspp_mobilenet_v3_large"] = new("torchvision/mobilenet_v3_large", 16, s_mobileNetLowHigh, SegmentationMethod.Lraspp, "lraspp_mobilenet_v3_large-d234d4ea.pth"),
    };

    /// <summary>Names of the classes that the weights were trained for (<c>meta["categories"]</c>), the background first.</summary>
    public static ImmutableArray<string> VocCategories { get; } =
    [
        "__background__", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse", "motorbike", "person",
        "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ];

    /// <summary>The models' names, sorted.</summary>
    public static IEnumerable<string> Names => s_all.Keys.Order(StringComparer.Ordinal);

    /// <summary>The model of a name, with or without its tag, or of torchvision's name of its weights, and where they are.</summary>
    /// <exception cref="UnknownModelException">There is none; the message has the nearest names.</exception>
    public static (SegmentationVariant Variant, PretrainedConfig Weights) Find(string name)
    {
        name = TorchvisionWeightsName.Resolve(name);
        int dot = name.IndexOf('.');
        (string architecture, string tag) = dot < 0 ? (name, Tag) : (name[..dot], name[(dot + 1)..]);
        if (!s_all.TryGetValue(architecture, out SegmentationVariant? variant))
            throw new UnknownModelException(architecture, $"Unknown segmentation model '{architecture}'.", NearestName.Find(architecture, Names));
        if (tag != Tag)
            throw new UnknownModelException(name, $"Unknown tag '{tag}' of '{architecture}'.", [$"{architecture}.{Tag}"]);
        return (variant, new PretrainedConfig
        {
            Architecture = architecture,
            Tag = Tag,
            Url = $"https://download.pytorch.org/models/{variant.WeightsFile}",
            Interpolation = "bilinear",
            NumClasses = VocCategories.Length,
            LabelNames = VocCategories,
            License = "bsd-3-clause",
        });
    }

    /// <summary>The graph for an image size.</summary>
    /// <param name="size">Height and width of the input.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <param name="withAux">Whether the auxiliary classifier is there (<c>aux_loss</c>); LRASPP has none.</param>
    /// <exception cref="GraphException">The backbone does not take such images.</exception>
    public SegmentationGraph Build(Size2 size, int numClasses, bool withAux = true)
    {
        IEnumerable<(string, string)> maps = withAux || Method == SegmentationMethod.Lraspp ? Maps : Maps.Where(m => m.Key == "out");
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(Backbone), FeatureSelection.Nodes(maps), new BuildOptions { ImageSize = size, OutputStride = OutputStride });
        return SegmentationGraph.Build(features, Method, numClasses, unwrapped: "features");
    }
}
