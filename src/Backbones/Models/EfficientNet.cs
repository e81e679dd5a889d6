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
internal static partial class EfficientNet
{
    private static BackboneGraph Build(GraphBuilder b, EfficientNetConfig config, ModelOptions options)
    {
        EfficientNetBuilder.Trunk trunk = EfficientNetBuilder.Build(b, config, options);
        Node features = Head(b, trunk.Node, config);
        int width = config.Features > 0 ? config.Features : trunk.Channels;
        (Node, Node) head = Classifier.Build(b, features, options.NumClasses, options.GlobalPool, "classifier");
        return BackboneGraph.OfLevels(b, trunk.Levels, features, head) with { NumFeatures = width, HeadHiddenSize = width };
    }

    private static Node Head(GraphBuilder b, Node x, EfficientNetConfig config) => config.Features > 0
        ? config.Norm(b, "bn2", b.Conv2d("conv_head", x, config.Features, 1), config.Act)
        : b.Identity("bn2", b.Identity("conv_head", x));
}
