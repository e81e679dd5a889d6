using System.Collections.Immutable;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ResNeSt: ResNet with split attention in the place of the 3×3 convolution.
/// timm: <c>resnest.py</c>. Paper: ResNeSt: Split-Attention Networks, https://arxiv.org/abs/2004.08955
/// </summary>
internal static class ResNeSt
{
    /// <summary>A bottleneck whose middle is split attention; average pooling takes its stride, before it (ResNeSt-fast) or behind it.</summary>
    private static ResNet.Block SplitBottleneck(int radix, bool poolsFirst) => new(4, (b, config, x, args) => ResNet.BottleneckBlock(b, config, x, args, (b, config, x, width, args) =>
    {
        bool pools = args.Stride > 1;
        if (pools && poolsFirst)
            x = b.AvgPool2d("avd_first", x, 3, args.Stride, 1);
        x = SplitAttention.Build(b, "conv2", x, width, 1, args.FirstDilation, config.Cardinality, radix, config.Norm);
        x = b.Identity("act2", b.Identity("drop_block", b.Identity("bn2", x)));
        return pools && !poolsFirst ? b.AvgPool2d("avd_last", x, 3, args.Stride, 1) : x;
    }));

    private static ResNet.Config Split(ImmutableArray<int> layers, int radix = 2, bool poolsFirst = false)
        => new(SplitBottleneck(radix, poolsFirst), layers) { Stem = ResNet.Stem.Deep, AvgDown = true };

    public static ModelFamily<ResNet.Config> Models => new(ResNet.Build)
    {
        Arguments = ResNet.Arguments,
        ["resnest14d"] = Split([1, 1, 1, 1]) with { StemWidth = 32 },
        ["resnest26d"] = Split([2, 2, 2, 2]) with { StemWidth = 32 },
        ["resnest50d"] = Split([3, 4, 6, 3]) with { StemWidth = 32 },
        ["resnest101e"] = Split([3, 4, 23, 3]),
        ["resnest200e"] = Split([3, 24, 36, 3]),
        ["resnest269e"] = Split([3, 30, 48, 8]),
        ["resnest50d_4s2x40d"] = Split([3, 4, 6, 3], radix: 4, poolsFirst: true) with { StemWidth = 32, BaseWidth = 40, Cardinality = 2 },
        ["resnest50d_1s4x24d"] = Split([3, 4, 6, 3], radix: 1, poolsFirst: true) with { StemWidth = 32, BaseWidth = 24, Cardinality = 4 },
    };
}
