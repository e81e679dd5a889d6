using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// SKNet: ResNet whose 3×3 convolutions choose between two sizes of their neighbourhood.
/// timm: <c>sknet.py</c>. Paper: Selective Kernel Networks, https://arxiv.org/abs/1903.06586
/// </summary>
internal static class SkNet
{
    /// <summary>The selective convolution's settings.</summary>
    /// <param name="ReductionRatio">Width of the attention's hidden layer, relative to the convolution's.</param>
    /// <param name="ReductionDivisor">What that width is a multiple of.</param>
    /// <param name="SplitInput">Each path gets half of the channels.</param>
    private sealed record Kernel(double ReductionRatio = 1.0 / 16, int ReductionDivisor = 8, bool SplitInput = true)
    {
        public Node Build(GraphBuilder b, string name, Node x, int outChannels, ResNet.BlockArgs args, int groups = 1) => SelectiveKernel.Build(
            b, name, x, outChannels, ChannelAttention.MakeDivisible(outChannels * ReductionRatio, ReductionDivisor), SplitInput, args.Stride, args.FirstDilation, groups);
    }

    private static ResNet.Block Basic(Kernel kernel) => new(1, (b, config, x, args) =>
    {
        Node y = kernel.Build(b, "conv1", x, args.Planes, args);
        y = ConvNormAct.Build(b, "conv2", y, args.Planes, 3, NormActs.BatchNorm, act: null, dilation: args.Dilation);
        return b.Act("act", b.Add(y, args.Downsample?.Invoke(x) ?? x), UnaryKind.Relu);
    });

    private static ResNet.Block Bottleneck(Kernel kernel) => new(4, (b, config, x, args) =>
    {
        int width = args.Planes * config.BaseWidth / 64 * config.Cardinality;
        Node y = ConvNormAct.Build(b, "conv1", x, width, 1, NormActs.BatchNorm, UnaryKind.Relu);
        y = kernel.Build(b, "conv2", y, width, args, config.Cardinality);
        y = ConvNormAct.Build(b, "conv3", y, 4 * args.Planes, 1, NormActs.BatchNorm, act: null);
        return b.Act("act", b.Add(y, args.Downsample?.Invoke(x) ?? x), UnaryKind.Relu);
    });

    public static ModelFamily<ResNet.Config> Models => new(ResNet.Build)
    {
        Arguments = ResNet.Arguments,
        ["skresnet18"] = new(Basic(new(1.0 / 8, 16)), [2, 2, 2, 2]),
        ["skresnet34"] = new(Basic(new(1.0 / 8, 16)), [3, 4, 6, 3]),
        ["skresnet50"] = new(Bottleneck(new()), [3, 4, 6, 3]),
        ["skresnet50d"] = new(Bottleneck(new()), [3, 4, 6, 3]) { Stem = ResNet.Stem.Deep, StemWidth = 32, AvgDown = true },
        ["skresnext50_32x4d"] = new(Bottleneck(new(1.0 / 16, 32, SplitInput: false)), [3, 4, 6, 3]) { Cardinality = 32, BaseWidth = 4 },
    };
}
