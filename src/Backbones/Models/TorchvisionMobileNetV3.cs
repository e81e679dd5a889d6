using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's MobileNetV3, with torchvision's module and node names.
/// torchvision: <c>models/mobilenetv3.py</c>. Paper: Searching for MobileNetV3, https://arxiv.org/abs/1905.02244
/// </summary>
internal static class TorchvisionMobileNetV3
{
    /// <summary>Blocks of the last stage.</summary>
    private const int TailBlocks = 3;

    private static readonly NormLayer s_norm = Norms.BatchNormWith(1e-3f);

    /// <summary>A block: its depthwise kernel, its width inside, channels of the result, whether it is squeezed and excited, its activation, its stride.</summary>
    internal readonly record struct Block(int Kernel, int Width, int Channels, bool SqueezeExcite, UnaryKind Act, int Stride);

    /// <summary>What tells one variant from another: blocks, and the width of the classifier's hidden layer.</summary>
    internal sealed record Config(int HiddenSize, ImmutableArray<Block> Blocks)
    {
        /// <summary>The last stage and what follows it half as wide (torchvision's <c>reduced_tail</c>, as detectors have it).</summary>
        public Config WithReducedTail() => new(HiddenSize / 2,
        [
            .. Blocks[..^TailBlocks],
            .. Blocks[^TailBlocks..].Select((block, i) => block with { Width = i == 0 ? block.Width : block.Width / 2, Channels = block.Channels / 2 }),
        ]);
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // torchvision's dilated: the last stage alone.
        options.RequireOutputStride(16, 32);
        var schedule = new StrideSchedule(options, stem: 2);
        int layer = 0;
        var levels = new List<FeatureLevel>();
        Node x = Conv2dNormActivation.Build(b, Next(), b.Input, 16, 3, s_norm, UnaryKind.HardSwish, stride: 2);
        levels.SetLast(schedule.Reduction, "features.0", x);
        foreach (Block block in config.Blocks)
        {
            // Where a dilation takes the stride's place, the first block has it already.
            int stride = schedule.Next(block.Stride);
            x = InvertedResidual(b, Next(), x, block, stride, schedule.Dilation);
            levels.SetLast(schedule.Reduction, $"features.{layer - 1}", x);
        }
        x = Conv2dNormActivation.Build(b, Next(), x, 6 * x.Shape[0], 1, s_norm, UnaryKind.HardSwish);
        return BackboneGraph.OfLevels(b, levels, x, Head(b, config, x, options)) with { Intermediates = null };

        string Next() => $"features.{layer++}";
    }

    private static Node InvertedResidual(GraphBuilder b, string name, Node x, Block block, int stride, int dilation)
    {
        Node identity = x;
        int layer = 0;
        using (b.Scope(name))
        {
            using (b.Scope("block"))
            {
                if (block.Width != x.Shape[0])
                    x = Conv2dNormActivation.Build(b, $"{layer++}", x, block.Width, 1, s_norm, block.Act);
                x = Conv2dNormActivation.Build(b, $"{layer++}", x, block.Width, block.Kernel, s_norm, block.Act, stride, groups: block.Width, dilation: dilation);
                if (block.SqueezeExcite)
                    x = SqueezeExcitation.Build(b, $"{layer++}", x, ChannelAttention.MakeDivisible(block.Width / 4), scale: UnaryKind.HardSigmoid);
                x = Conv2dNormActivation.Build(b, $"{layer}", x, block.Channels, 1, s_norm, act: null);
            }
            return block.Stride == 1 && identity.Shape == x.Shape ? b.Add(x, identity) : x;
        }
    }

    /// <summary>The classifier has a hidden layer. Without classes nothing of it is left.</summary>
    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        Node pooled = TorchvisionHead.Pool(b, x, options);
        if (options.NumClasses == 0)
            return (pooled, b.Identity("classifier", pooled));
        x = b.Act("classifier.1", b.Linear("classifier.0", pooled, config.HiddenSize), UnaryKind.HardSwish);
        return (pooled, b.Linear("classifier.3", b.Identity("classifier.2", x), options.NumClasses));
    }

    private const UnaryKind Relu = UnaryKind.Relu, Hard = UnaryKind.HardSwish;

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/mobilenet_v3_large"] = new(1280,
        [
            new(3, 16, 16, false, Relu, 1),
            new(3, 64, 24, false, Relu, 2), new(3, 72, 24, false, Relu, 1),
            new(5, 72, 40, true, Relu, 2), new(5, 120, 40, true, Relu, 1), new(5, 120, 40, true, Relu, 1),
            new(3, 240, 80, false, Hard, 2), new(3, 200, 80, false, Hard, 1), new(3, 184, 80, false, Hard, 1), new(3, 184, 80, false, Hard, 1),
            new(3, 480, 112, true, Hard, 1), new(3, 672, 112, true, Hard, 1),
            new(5, 672, 160, true, Hard, 2), new(5, 960, 160, true, Hard, 1), new(5, 960, 160, true, Hard, 1),
        ]),
        ["torchvision/mobilenet_v3_small"] = new(1024,
        [
            new(3, 16, 16, true, Relu, 2),
            new(3, 72, 24, false, Relu, 2), new(3, 88, 24, false, Relu, 1),
            new(5, 96, 40, true, Hard, 2), new(5, 240, 40, true, Hard, 1), new(5, 240, 40, true, Hard, 1),
            new(5, 120, 48, true, Hard, 1), new(5, 144, 48, true, Hard, 1),
            new(5, 288, 96, true, Hard, 2), new(5, 576, 96, true, Hard, 1), new(5, 576, 96, true, Hard, 1),
        ]),
    };
}
