using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Aligned Xception of DeepLab: Xception with strided convolutions in place of pooling, deeper.
/// timm: <c>xception_aligned.py</c>. Papers: Xception, https://arxiv.org/abs/1610.02357; Encoder-Decoder with Atrous Separable Convolution,
/// https://arxiv.org/abs/1802.02611
/// </summary>
internal static class XceptionAligned
{
    /// <summary>What tells one variant from another: channels and strides of the entry flow, number of blocks in the middle flow.</summary>
    internal sealed record Config(ImmutableArray<(int Channels, int Stride)> Entry, int Middle)
    {
        /// <summary>Norm and activation stand before the convolutions.</summary>
        public bool PreAct { get; init; }

        public float NormEps { get; init; } = 1e-3f;

        public IEnumerable<Block> Blocks =>
        [
            .. Entry.Select(e => new Block(e.Channels, e.Channels, e.Channels, e.Stride)),
            .. Enumerable.Repeat(new Block(728, 728, 728, 1), Middle),
            new(728, 1024, 1024, 2),
            new(1536, 1536, 2048, 1) { IsLast = true },
        ];
    }

    /// <summary>One block: channels of its three separable convolutions, the last of which has the stride.</summary>
    internal sealed record Block(int First, int Second, int Third, int Stride)
    {
        /// <summary>The last block adds no shortcut and has its activations behind the convolutions.</summary>
        public bool IsLast { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, stem: 2);
        NormActLayer norm = NormActs.BatchNormWith(config.NormEps);

        Node x = ConvNormAct.Build(b, "stem.0", b.Input, 32, 3, norm, UnaryKind.Relu, stride: 2);
        x = config.PreAct ? b.Conv2d("stem.1", x, 64, 3, padding: 1) : ConvNormAct.Build(b, "stem.1", x, 64, 3, norm, UnaryKind.Relu);

        var levels = new List<FeatureLevel>();
        int number = 0;
        foreach (Block block in config.Blocks)
        {
            string name = $"blocks.{number++}";
            int reduction = schedule.Reduction, dilation = schedule.Dilation, stride = schedule.Next(block.Stride);
            using (b.Scope(name))
            {
                (x, Node beforeLast) = config.PreAct ? PreActBlock(b, norm, x, block, stride, dilation) : BuildBlock(b, config, norm, x, block, stride, dilation);
                // timm takes a level where the block's stride is still to come: before its last convolution.
                if (block.Stride > 1)
                    levels.Add(new FeatureLevel(block.Second, reduction, config.PreAct ? $"{name}.stack.conv2" : $"{name}.stack.act3", beforeLast));
            }
        }
        levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, $"blocks.{number - 1}", x));

        x = config.PreAct ? b.Act("act", x, UnaryKind.Relu) : b.Identity("act", x);
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool)) with { Intermediates = null };
    }

    /// <summary>The block's result, and what its last convolution gets.</summary>
    private static (Node Output, Node BeforeLast) BuildBlock(GraphBuilder b, Config config, NormActLayer norm, Node x, Block block, int stride, int dilation)
    {
        Node input = x, beforeLast = x;
        b.Declare("shortcut", "stack");
        using (b.Scope("stack"))
        {
            int[] channels = [block.First, block.Second, block.Third];
            for (int i = 0; i < channels.Length; i++)
            {
                if (!block.IsLast)
                    x = b.Act($"act{i + 1}", x, UnaryKind.Relu);
                beforeLast = x;
                x = SeparableConv(b, config, $"conv{i + 1}", x, channels[i], i == 2 ? stride : 1, dilation, block.IsLast);
            }
        }
        if (block.IsLast)
            return (x, beforeLast);
        Node shortcut = input.Shape[0] == block.Third && stride == 1 ? input : ConvNormAct.Build(b, "shortcut", input, block.Third, 1, norm, act: null, stride);
        return (b.Add(x, shortcut), beforeLast);
    }

    private static Node SeparableConv(GraphBuilder b, Config config, string name, Node x, int channels, int stride, int dilation, bool activates)
    {
        using (b.Scope(name))
        {
            x = Conv2dPadding.Conv2d(b, "conv_dw", x, x.Shape[0], 3, PadType.Symmetric, stride, dilation, groups: x.Shape[0]);
            x = Act("act_dw", b.BatchNorm("bn_dw", x, config.NormEps));
            x = b.Conv2d("conv_pw", x, channels, 1);
            return Act("act_pw", b.BatchNorm("bn_pw", x, config.NormEps));
        }

        Node Act(string act, Node value) => activates ? b.Act(act, value, UnaryKind.Relu) : b.Identity(act, value);
    }

    /// <summary>The block's result, and what its last convolution (with the norm before it) gets.</summary>
    private static (Node Output, Node BeforeLast) PreActBlock(GraphBuilder b, NormActLayer norm, Node x, Block block, int stride, int dilation)
    {
        b.Declare("shortcut", "norm", "stack");
        Node input = x = norm(b, "norm", x, UnaryKind.Relu), beforeLast = x;
        using (b.Scope("stack"))
        {
            int[] channels = [block.First, block.Second, block.Third];
            for (int i = 0; i < channels.Length; i++)
            {
                beforeLast = x;
                using (b.Scope($"conv{i + 1}"))
                {
                    x = i == 0 ? b.Identity("norm", x) : norm(b, "norm", x, UnaryKind.Relu);
                    x = Conv2dPadding.Conv2d(b, "conv_dw", x, x.Shape[0], 3, PadType.Symmetric, i == 2 ? stride : 1, dilation, groups: x.Shape[0]);
                    x = b.Conv2d("conv_pw", x, channels[i], 1);
                }
            }
        }
        if (block.IsLast)
            return (x, beforeLast);
        Node shortcut = input.Shape[0] == block.Third && stride == 1 ? b.Identity("shortcut", input) : b.Conv2d("shortcut", input, block.Third, 1, stride);
        return (b.Add(x, shortcut), beforeLast);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["xception41"] = new([(128, 2), (256, 2), (728, 2)], 8),
        ["xception65"] = new([(128, 2), (256, 2), (728, 2)], 16),
        ["xception71"] = new([(128, 2), (256, 1), (256, 2), (728, 1), (728, 2)], 16),
        ["xception41p"] = new([(128, 2), (256, 2), (728, 2)], 8) { PreAct = true, NormEps = 1e-5f },
        ["xception65p"] = new([(128, 2), (256, 2), (728, 2)], 16) { PreAct = true },
    };
}
