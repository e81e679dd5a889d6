using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// MobileNetV3, MobileNetV4, FBNetV3 and PP-LCNet: EfficientNet's blocks under a head that pools before its convolution. timm: <c>mobilenetv3.py</c>.
/// Papers: MobileNetV3, https://arxiv.org/abs/1905.02244; MobileNetV4, https://arxiv.org/abs/2404.10518; FBNetV3, https://arxiv.org/abs/2006.02049;
/// PP-LCNet, https://arxiv.org/abs/2109.15099
/// </summary>
internal static partial class MobileNetV3
{
    internal static BackboneGraph Build(GraphBuilder b, EfficientNetConfig config, ModelOptions options)
    {
        EfficientNetBuilder.Trunk trunk = EfficientNetBuilder.Build(b, config, options);
        (Node, Node) head = Head(b, trunk.Node, config, options.NumClasses, options.GlobalPool);
        return BackboneGraph.OfLevels(b, trunk.Levels, trunk.Node, head) with { NumFeatures = trunk.Channels, HeadHiddenSize = config.Features };
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, EfficientNetConfig config, int numClasses, string pool)
    {
        Classifier.RequirePool(x, numClasses, pool);
        x = GlobalPool.Pool(b, "global_pool", x, pool, flatten: false);
        x = b.Conv2d("conv_head", x, config.Features, 1, bias: config.HeadBias);
        x = config.HeadNorm ? config.Norm(b, "norm_head", x, config.Act) : b.Identity("norm_head", x);
        x = config.HeadNorm ? b.Identity("act2", x) : b.Act("act2", x, config.Act);
        x = GlobalPool.Flatten(b, x, pool);
        return (x, numClasses > 0 ? Classifier.TimmLinear(b, "classifier", x, numClasses) : b.Identity("classifier", x));
    }
}
