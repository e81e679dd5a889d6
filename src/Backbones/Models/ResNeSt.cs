using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.ResNet;

namespace Backbones.Models;

/// <summary>
/// ResNeSt: ResNet with split attention in the place of the 3×3 convolution.
/// timm: <c>resnest.py</c>. Paper: ResNeSt: Split-Attention Networks, https://arxiv.org/abs/2004.08955
/// </summary>
public static class ResNeSt
{
    /// <summary>The middle of a bottleneck: pooling (where it stands in for a stride) and split attention.</summary>
    internal static Node SplitStage(GraphBuilder b, Config config, Node x, int width, int stride, int dilation)
    {
        bool pools = config.AvgDownInBlock && stride > 1;
        if (pools && config.AvgDownFirst)
            x = b.AvgPool2d("avd_first", x, 3, stride, 1);
        x = SplitAttention.Build(b, "conv2", x, width, pools ? 1 : stride, dilation, config.Cardinality, config.Radix, config.Norm);
        x = b.Identity("act2", b.Identity("drop_block", b.Identity("bn2", x)));
        return pools && !config.AvgDownFirst ? b.AvgPool2d("avd_last", x, 3, stride, 1) : x;
    }

    /// <summary>All variants.</summary>
    public static IEnumerable<ModelEntry> Models =>
    [
        Model("resnest14d", new(Block.Bottleneck, [1, 1, 1, 1]) { StemWidth = 32 }),
        Model("resnest26d", new(Block.Bottleneck, [2, 2, 2, 2]) { StemWidth = 32 }),
        Model("resnest50d", new(Block.Bottleneck, [3, 4, 6, 3]) { StemWidth = 32 }),
        Model("resnest101e", new(Block.Bottleneck, [3, 4, 23, 3]) { ImageSize = 256 }),
        Model("resnest200e", new(Block.Bottleneck, [3, 24, 36, 3]) { ImageSize = 320 }),
        Model("resnest269e", new(Block.Bottleneck, [3, 30, 48, 8]) { ImageSize = 416 }),
        Model("resnest50d_4s2x40d", new(Block.Bottleneck, [3, 4, 6, 3]) { StemWidth = 32, BaseWidth = 40, Cardinality = 2, Radix = 4, AvgDownFirst = true }),
        Model("resnest50d_1s4x24d", new(Block.Bottleneck, [3, 4, 6, 3]) { StemWidth = 32, BaseWidth = 24, Cardinality = 4, Radix = 1, AvgDownFirst = true }),
    ];

    private static ModelEntry Model(string name, Config config)
    {
        Config full = config with { Stem = Stem.Deep, AvgDown = true, AvgDownInBlock = true, Radix = config.Radix == 0 ? 2 : config.Radix };
        return new ModelEntry(name, options => ResNet.Build(full, options));
    }
}
