using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EfficientNet, EfficientNetV2, their Lite, EdgeTPU, CondConv and X descendants, and other networks of the same blocks: MnasNet, MobileNetV1 and V2, MixNet, FBNet-C,
/// Single-Path NAS, TinyNet, MobileNet-EdgeTPU. timm: <c>efficientnet.py</c>. Papers: EfficientNet, https://arxiv.org/abs/1905.11946;
/// EfficientNetV2, https://arxiv.org/abs/2104.00298; MnasNet, https://arxiv.org/abs/1807.11626; MobileNetV2, https://arxiv.org/abs/1801.04381;
/// MixConv, https://arxiv.org/abs/1907.09595; FBNet, https://arxiv.org/abs/1812.03443; Single-Path NAS, https://arxiv.org/abs/1904.02877;
/// TinyNet, https://arxiv.org/abs/2010.14819
/// </summary>
public static partial class EfficientNet
{
    internal static BackboneGraph Build(EfficientNetConfig config, Size2 imageSize, BuildOptions options)
    {
        GraphBuilder b = EfficientNetBuilder.Start(config, imageSize, options);
        EfficientNetBuilder.Trunk trunk = EfficientNetBuilder.Build(b, config, options.OutputStride);
        Node features = Head(b, trunk.Node, config);
        (Node preLogits, Node logits) = Classifier.Build(b, features, options.NumClasses ?? 1000, options.GlobalPool ?? "avg", "classifier");
        int width = config.Features > 0 ? config.Features : trunk.Channels;
        return new BackboneGraph
        {
            Graph = b.Build(logits),
            Features = features,
            PreLogits = preLogits,
            NumFeatures = width,
            HeadHiddenSize = width,
            Levels = trunk.Levels,
            Intermediates = [.. trunk.Levels.Select(l => new IntermediateLevel(l.Node))],
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add("conv_stem.weight", ParameterAdapters.InputConv),
        };
    }

    private static Node Head(GraphBuilder b, Node x, EfficientNetConfig config) => config.Features > 0
        ? config.Norm(b, "bn2", b.Conv2d("conv_head", x, config.Features, 1), config.Act)
        : b.Identity("bn2", b.Identity("conv_head", x));
}
