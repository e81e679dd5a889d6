using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CSPNet and DarkNet: stages whose blocks work on a half of the channels, the other half passing by.
/// timm: <c>cspnet.py</c>. Papers: CSPNet: A New Backbone that can Enhance Learning Capability of CNN, https://arxiv.org/abs/1911.11929;
/// YOLOv3, https://arxiv.org/abs/1804.02767
/// </summary>
internal static class CspNet
{
    /// <summary>What a stage does around its blocks.</summary>
    internal enum Stage
    {
        /// <summary>Half the channels pass by; a convolution behind the blocks and one behind both halves (CrossStage).</summary>
        Csp,
        /// <summary>The same without the convolution behind the blocks, and with the halves exchanged (CrossStage3).</summary>
        Cs3,
        /// <summary>Blocks alone (DarkStage).</summary>
        Dark,
    }

    /// <summary>A block, in its scope.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="config">The variant.</param>
    /// <param name="x">The map.</param>
    /// <param name="width">Channels inside.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="dilation">Dilation of the 3×3 convolution.</param>
    /// <param name="groups">Its groups.</param>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x, int width, int channels, int dilation, int groups);

    /// <summary>What tells one variant from another: blocks and channels of each stage. A list shorter than the stages goes on with its last number.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels)
    {
        public ImmutableArray<int> StemChannels { get; init; } = [32];

        public int StemKernel { get; init; } = 3;

        /// <summary>1, 2, or 4 with a pooling at the end.</summary>
        public int StemStride { get; init; } = 2;

        /// <summary>Padding of the first convolution where it is not half the kernel.</summary>
        public int? StemPadding { get; init; }

        public Stage Stage { get; init; } = Stage.Csp;

        public BlockLayers Block { get; init; } = BottleneckBlock;

        public ImmutableArray<int> Strides { get; init; } = [2];

        public ImmutableArray<int> Groups { get; init; } = [1];

        /// <summary>Channels of the blocks' results for one of the stage's.</summary>
        public ImmutableArray<double> BlockRatios { get; init; } = [1];

        /// <summary>Channels inside a block for one of its result's.</summary>
        public ImmutableArray<double> BottleRatios { get; init; } = [1];

        /// <summary>Channels before the split for one of the stage's.</summary>
        public ImmutableArray<double> ExpandRatios { get; init; } = [1];

        /// <summary>No activation before the split.</summary>
        public bool CrossLinear { get; init; }

        /// <summary>The strided convolution has the stage's channels already.</summary>
        public bool DownGrowth { get; init; }

        /// <summary>Mean pooling and a 1×1 convolution in place of the strided one.</summary>
        public bool AvgDown { get; init; }

        /// <summary>Squeeze-excite in the blocks with that share of the channels; null for none.</summary>
        public float? SqueezeExcite { get; init; }

        public UnaryKind Act { get; init; } = UnaryKind.LeakyRelu;

        public ImmutableArray<int>? DefaultOutIndices { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, config.StemStride);
        (Node x, FeatureLevel stem) = BuildStem(b, config);
        var levels = new List<FeatureLevel> { stem };
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int stride = schedule.Next(At(config.Strides, stage));
            using (b.Scope($"stages.{stage}"))
                x = BuildStage(b, config, x, stage, stride, schedule.Dilation);
            levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, $"stages.{stage}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool)) with
        {
            Intermediates = null,
            DefaultOutIndices = config.DefaultOutIndices,
        };
    }

    private static T At<T>(ImmutableArray<T> values, int stage) => values[Math.Min(stage, values.Length - 1)];

    private static int Scaled(int channels, double ratio) => (int)Math.Round(channels * ratio);

    private static Node Conv(GraphBuilder b, Config config, string name, Node x, int channels, int kernel, int stride = 1, int dilation = 1, int groups = 1, bool act = true)
        => ConvNormAct.Build(b, name, x, channels, kernel, NormActs.BatchNorm, act ? config.Act : null, stride, dilation, groups);

    private static (Node Map, FeatureLevel Level) BuildStem(GraphBuilder b, Config config)
    {
        Node x = b.Input;
        using (b.Scope("stem"))
        {
            for (int i = 1; i <= config.StemChannels.Length; i++)
            {
                int stride = i == 1 ? Math.Min(config.StemStride, 2) : 1, channels = config.StemChannels[i - 1];
                if (i > 1 || config.StemPadding is not { } padding)
                {
                    x = Conv(b, config, $"conv{i}", x, channels, config.StemKernel, stride);
                    continue;
                }
                using (b.Scope($"conv{i}"))
                    x = NormActs.BatchNorm(b, "bn", b.Conv2d("conv", x, channels, config.StemKernel, stride, padding), config.Act);
            }
            // The level is the map before the next stride, which is the pooling's or the first stage's.
            var level = new FeatureLevel(x.Shape[0], Math.Min(config.StemStride, 2), $"stem.conv{config.StemChannels.Length}", x);
            return (config.StemStride > 2 ? b.MaxPool2d("pool", x, 3, 2, 1) : x, level);
        }
    }

    private static Node BuildStage(GraphBuilder b, Config config, Node x, int stage, int stride, int dilation)
    {
        int channels = config.Channels[stage], groups = At(config.Groups, stage);
        int firstDilation = dilation > 2 ? 2 : 1;
        if (config.Stage == Stage.Dark)
            return Blocks(Down(channels));

        x = stride != 1 || firstDilation != dilation ? Down(config.DownGrowth ? channels : x.Shape[0]) : b.Identity("conv_down", x);
        int expanded = Scaled(channels, At(config.ExpandRatios, stage)), half = expanded / 2;
        x = Conv(b, config, "conv_exp", x, expanded, 1, act: !config.CrossLinear);
        Node first = b.Slice(x, 0, 0, half), second = b.Slice(x, 0, half, half);
        if (config.Stage == Stage.Cs3)
            return Conv(b, config, "conv_transition", b.Concat(0, [Blocks(first), second]), channels, 1);
        second = Conv(b, config, "conv_transition_b", Blocks(second), half, 1);
        return Conv(b, config, "conv_transition", b.Concat(0, [first, second]), channels, 1);

        Node Down(int width)
        {
            if (!config.AvgDown)
                return Conv(b, config, "conv_down", x, width, 3, stride, firstDilation, groups);
            using (b.Scope("conv_down"))
                return Conv(b, config, "1", stride == 2 ? b.AvgPool2d("0", x, 2) : b.Identity("0", x), width, 1, groups: groups);
        }

        Node Blocks(Node map)
        {
            int blockChannels = Scaled(channels, At(config.BlockRatios, stage)), width = Scaled(blockChannels, At(config.BottleRatios, stage));
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"blocks.{i}"))
                    map = config.Block(b, config, map, width, blockChannels, dilation, groups);
            }
            return map;
        }
    }

    /// <summary>1×1, 3×3, 1×1, the activation behind the sum.</summary>
    private static Node BottleneckBlock(GraphBuilder b, Config config, Node x, int width, int channels, int dilation, int groups)
    {
        Node shortcut = x;
        x = Conv(b, config, "conv2", Conv(b, config, "conv1", x, width, 1), width, 3, dilation: dilation, groups: groups);
        x = Conv(b, config, "conv3", Attend(b, config, "attn2", x), channels, 1, act: false);
        x = b.Identity("drop_path", b.Identity("attn3", x));
        return ActLayers.Timm(config.Act)(b, "act3", b.Add(x, shortcut));
    }

    /// <summary>1×1, 3×3 with its activation, sum.</summary>
    private static Node DarkBlock(GraphBuilder b, Config config, Node x, int width, int channels, int dilation, int groups)
    {
        Node shortcut = x;
        x = Attend(b, config, "attn", Conv(b, config, "conv1", x, width, 1));
        x = Conv(b, config, "conv2", x, channels, 3, dilation: dilation, groups: groups);
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    /// <summary>3×3, 1×1 with its activation, sum.</summary>
    private static Node EdgeBlock(GraphBuilder b, Config config, Node x, int width, int channels, int dilation, int groups)
    {
        Node shortcut = x;
        x = Attend(b, config, "attn", Conv(b, config, "conv1", x, width, 3, dilation: dilation, groups: groups));
        x = Conv(b, config, "conv2", x, channels, 1);
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    private static Node Attend(GraphBuilder b, Config config, string name, Node x)
        => config.SqueezeExcite is { } ratio ? ChannelAttention.SqueezeExcite(b, name, x, ratio, act: config.Act) : b.Identity(name, x);

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["cspresnet50"] = CspResNet(64) with { StemKernel = 7, ExpandRatios = [2], BottleRatios = [0.5] },
        ["cspresnet50d"] = CspResNet(32, 32, 64) with { ExpandRatios = [2], BottleRatios = [0.5] },
        ["cspresnet50w"] = CspResNet(32, 32, 64) with { Channels = [256, 512, 1024, 2048], BottleRatios = [0.25], BlockRatios = [0.5] },
        ["cspresnext50"] = CspResNet(64) with { StemKernel = 7, Channels = [256, 512, 1024, 2048], Groups = [32], BlockRatios = [0.5] },
        ["cspdarknet53"] = DarkNet(1, 2, 8, 8, 4) with { Stage = Stage.Csp, ExpandRatios = [2, 1], BottleRatios = [0.5, 1], BlockRatios = [1, 0.5], DownGrowth = true },
        ["darknet17"] = DarkNet(1, 1, 1, 1, 1),
        ["darknet21"] = DarkNet(1, 1, 1, 2, 2),
        // Six levels as its sisters, of which timm gives five unless asked.
        ["sedarknet21"] = DarkNet(1, 1, 1, 2, 2) with { SqueezeExcite = 1f / 16, DefaultOutIndices = [0, 1, 2, 3, 4] },
        ["darknet53"] = DarkNet(1, 2, 8, 8, 4),
        ["darknetaa53"] = DarkNet(1, 2, 8, 8, 4) with { AvgDown = true },
        ["cs3darknet_s"] = Cs3(0.5, 0.5),
        ["cs3darknet_m"] = Cs3(0.75, 0.67),
        ["cs3darknet_l"] = Cs3(),
        ["cs3darknet_x"] = Cs3(1.25, 1.33),
        ["cs3darknet_focus_s"] = Focus(0.5, 0.5),
        ["cs3darknet_focus_m"] = Focus(0.75, 0.67),
        ["cs3darknet_focus_l"] = Focus(),
        ["cs3darknet_focus_x"] = Focus(1.25, 1.33),
        ["cs3sedarknet_l"] = Cs3() with { SqueezeExcite = 0.25f },
        ["cs3sedarknet_x"] = Cs3(1.25, 1.33) with { SqueezeExcite = 1f / 16 },
        ["cs3sedarknet_xdw"] = new([3, 6, 12, 4], [256, 512, 1024, 2048])
        {
            StemChannels = [32, 64],
            Groups = [1, 1, 256, 512],
            BottleRatios = [0.5],
            BlockRatios = [0.5],
            SqueezeExcite = 1f / 16,
            Act = UnaryKind.Silu,
        },
        ["cs3edgenet_x"] = Cs3(1.25, 1.33) with { BottleRatios = [1.5], Block = EdgeBlock },
        ["cs3se_edgenet_x"] = Cs3(1.25, 1.33) with { BottleRatios = [1.5], Block = EdgeBlock, SqueezeExcite = 0.25f },
    };

    private static Config CspResNet(params ImmutableArray<int> stem)
        => new([3, 3, 5, 2], [128, 256, 512, 1024]) { StemChannels = stem, StemStride = 4, Strides = [1, 2], CrossLinear = true };

    private static Config DarkNet(params ImmutableArray<int> depths)
        => new(depths, [64, 128, 256, 512, 1024]) { StemStride = 1, Stage = Stage.Dark, Block = DarkBlock, BottleRatios = [0.5] };

    private static Config Cs3(double width = 1, double depth = 1) => new(
        [.. new[] { 3, 6, 9, 3 }.Select(d => (int)(d * depth))],
        [.. new[] { 128, 256, 512, 1024 }.Select(c => ChannelAttention.MakeDivisible(c * width))])
    {
        StemChannels = [ChannelAttention.MakeDivisible(32 * width), ChannelAttention.MakeDivisible(64 * width)],
        Stage = Stage.Cs3,
        Block = DarkBlock,
        BlockRatios = [0.5],
        Act = UnaryKind.Silu,
    };

    /// <summary>The stem is one convolution of 6×6 pixels.</summary>
    private static Config Focus(double width = 1, double depth = 1)
        => Cs3(width, depth) with { StemChannels = [ChannelAttention.MakeDivisible(64 * width)], StemKernel = 6, StemPadding = 2 };
}
