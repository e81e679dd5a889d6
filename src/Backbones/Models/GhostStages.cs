using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>What <see cref="GhostNet"/> and <see cref="RepGhost"/> share: stem, the plan of the stages, squeeze-excite, shortcut and head. Paper: GhostNet, https://arxiv.org/abs/1911.11907</summary>
internal static class GhostStages
{
    private const int HeadWidth = 1280, Divisor = 4;

    private static readonly EfficientNetAttention s_attention = EfficientNetBlocks.SqueezeExcite(UnaryKind.HardSigmoid, round: channels => ChannelAttention.MakeDivisible(channels, Divisor));

    /// <summary>A block of the plan, before the width multiplier.</summary>
    /// <param name="Kernel">Size of the depthwise kernels.</param>
    /// <param name="MidChannels">Channels inside.</param>
    /// <param name="OutChannels">Channels of the result.</param>
    /// <param name="SqueezeExcite">Width inside the squeeze-excite relative to the channels inside; 0 for none.</param>
    /// <param name="Stride">Stride.</param>
    internal readonly record struct Block(int Kernel, int MidChannels, int OutChannels, double SqueezeExcite, int Stride);

    /// <summary>A block with its real widths.</summary>
    /// <param name="Index">Its number in the network, from 0.</param>
    /// <param name="InChannels">Channels of the input.</param>
    /// <param name="Kernel">Size of the depthwise kernels.</param>
    /// <param name="MidChannels">Channels inside.</param>
    /// <param name="OutChannels">Channels of the result.</param>
    /// <param name="SqueezeExcite">Width inside the squeeze-excite relative to the channels inside; 0 for none.</param>
    /// <param name="Stride">Stride.</param>
    internal readonly record struct PlacedBlock(int Index, int InChannels, int Kernel, int MidChannels, int OutChannels, double SqueezeExcite, int Stride)
    {
        public bool KeepsShape => InChannels == OutChannels && Stride == 1;
    }

    /// <summary>The plan of all variants, stage by stage, with these channels inside the 16 blocks.</summary>
    public static ImmutableArray<ImmutableArray<Block>> WithWidths(ReadOnlySpan<int> mid) =>
    [
        [new(3, mid[0], 16, 0, 1)],
        [new(3, mid[1], 24, 0, 2)],
        [new(3, mid[2], 24, 0, 1)],
        [new(5, mid[3], 40, 0.25, 2)],
        [new(5, mid[4], 40, 0.25, 1)],
        [new(3, mid[5], 80, 0, 2)],
        [new(3, mid[6], 80, 0, 1), new(3, mid[7], 80, 0, 1), new(3, mid[8], 80, 0, 1), new(3, mid[9], 112, 0.25, 1), new(3, mid[10], 112, 0.25, 1)],
        [new(5, mid[11], 160, 0.25, 2)],
        [new(5, mid[12], 160, 0, 1), new(5, mid[13], 160, 0.25, 1), new(5, mid[14], 160, 0, 1), new(5, mid[15], 160, 0.25, 1)],
    ];

    /// <summary>The whole network over blocks of a family's own.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="width">Channel multiplier.</param>
    /// <param name="headRatio">Channels of the last convolution, relative to those inside the last block.</param>
    /// <param name="stages">The plan.</param>
    /// <param name="build">Builds a block in the scope that is open.</param>
    public static BackboneGraph Build(GraphBuilder b, ModelOptions options, double width, int headRatio, ImmutableArray<ImmutableArray<Block>> stages, Func<GraphBuilder, Node, PlacedBlock, Node> build)
    {
        options.RequireOutputStride(32);
        Node x = b.Conv2d("conv_stem", b.Input, Scaled(16), 3, 2, 1);
        // The first level is the convolution alone, without its norm and activation.
        var levels = new List<FeatureLevel> { new(x.Shape[0], 2, "conv_stem", x) };
        x = b.Act("act1", b.BatchNorm("bn1", x), UnaryKind.Relu);
        int index = 0;
        for (int stage = 0; stage < stages.Length; stage++)
        {
            for (int i = 0; i < stages[stage].Length; i++)
            {
                Block block = stages[stage][i];
                using (b.Scope($"blocks.{stage}.{i}"))
                    x = build(b, x, new PlacedBlock(index++, x.Shape[0], block.Kernel, Scaled(block.MidChannels), Scaled(block.OutChannels), block.SqueezeExcite, block.Stride));
            }
            if (stages[stage][^1].Stride > 1)
                levels.Add(new FeatureLevel(x.Shape[0], 2 * levels[^1].Reduction, $"blocks.{stage}", x));
        }
        x = ConvBnAct(b, $"blocks.{stages.Length}.0", x, Scaled(stages[^1][^1].MidChannels * headRatio), 1, act: UnaryKind.Relu);
        (Node, Node) head = ClassifierHeads.PoolConvAct(b, x, options.NumClasses, options.GlobalPool, HeadWidth, ActLayers.Torch(UnaryKind.Relu), dropout: true);
        return BackboneGraph.OfLevels(b, levels, x, head) with { HeadHiddenSize = HeadWidth };

        int Scaled(int channels) => ChannelAttention.MakeDivisible(channels * width, Divisor);
    }

    /// <summary>The squeeze-excite <c>se</c>.</summary>
    public static Node SqueezeExcite(GraphBuilder b, Node x, double ratio) => s_attention(b, x, x.Shape[0], ratio, UnaryKind.Relu);

    /// <summary>The <c>shortcut</c> of a block that changes the shape: a depthwise and a 1×1 convolution.</summary>
    public static Node Shortcut(GraphBuilder b, Node x, PlacedBlock block)
    {
        using (b.Scope("shortcut"))
        {
            x = b.BatchNorm("1", b.Conv2d("0", x, block.InChannels, block.Kernel, block.Stride, block.Kernel / 2, groups: block.InChannels));
            return b.BatchNorm("3", b.Conv2d("2", x, block.OutChannels, 1));
        }
    }

    /// <summary>The <c>primary_conv</c> of a ghost module.</summary>
    public static Node PrimaryConv(GraphBuilder b, Node x, int channels, bool relu)
    {
        using (b.Scope("primary_conv"))
        {
            x = b.BatchNorm("1", b.Conv2d("0", x, channels, 1));
            return relu ? b.Act("2", x, UnaryKind.Relu) : b.Identity("2", x);
        }
    }

    /// <summary>timm's ConvBnAct of mobile networks.</summary>
    public static Node ConvBnAct(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1, UnaryKind? act = null)
    {
        using (b.Scope(name))
            return b.Identity("aa", NormActs.BatchNorm(b, "bn1", b.Conv2d("conv", x, channels, kernel, stride, kernel / 2, groups: groups), act));
    }
}
