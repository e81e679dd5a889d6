using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Pre-activation ResNets: norm and activation stand before each convolution. Big Transfer (BiT) with standardised weights and group norms, and batch-normalised ones.
/// timm: <c>resnetv2.py</c>. Papers: Identity Mappings in Deep Residual Networks, https://arxiv.org/abs/1603.05027; Big Transfer, https://arxiv.org/abs/1912.11370
/// </summary>
internal static class ResNetV2
{
    internal enum Stem
    {
        /// <summary>One 7×7 convolution.</summary>
        Plain,
        /// <summary>The same; the pooling's border is of zeros (BiT).</summary>
        Fixed,
        /// <summary>The same; the pooling is padded as TensorFlow does (hybrid vision transformers).</summary>
        Same,
        /// <summary>Three 3×3 convolutions of widths w/2, w/2, w.</summary>
        Deep,
        /// <summary>Three 3×3 convolutions of widths 3w/8, w/2, w.</summary>
        Tiered,
    }

    internal enum Block
    {
        PreActBottleneck,
        PreActBasic,
        /// <summary>Norms behind the convolutions, as in ResNet (hybrid vision transformers).</summary>
        Bottleneck,
    }

    /// <summary>What tells one variant from another; the defaults are the batch-normalised ones'.</summary>
    internal sealed record Config(ImmutableArray<int> Layers)
    {
        public ImmutableArray<int> Channels { get; init; } = [256, 512, 1024, 2048];

        public int WidthFactor { get; init; } = 1;

        public Stem Stem { get; init; } = Stem.Plain;

        public int StemChannels { get; init; } = 64;

        /// <summary>Width within a block, relative to its result's.</summary>
        public double BottleRatio { get; init; } = 0.25;

        public bool AvgDown { get; init; }

        public Block Block { get; init; } = Block.PreActBottleneck;

        public NormActLayer Norm { get; init; } = NormActs.BatchNorm;

        public ConvLayer Conv { get; init; } = ConvLayers.Plain;

        public bool PreAct => Block != Block.Bottleneck;
    }

    /// <param name="OutChannels">Channels of the block.</param>
    /// <param name="Stride">Stride.</param>
    /// <param name="Dilation">Dilation of the stage.</param>
    /// <param name="FirstDilation">Dilation of the convolution that has the stride.</param>
    /// <param name="IsFirst">Whether the block is its stage's first, which alone can have a layer in its shortcut.</param>
    private sealed record BlockArgs(int OutChannels, int Stride, int Dilation, int FirstDilation, bool IsFirst);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        List<FeatureLevel> levels = Stages(b, config, b.Input, options);
        Node x = config.Norm(b, "norm", levels[^1].Node, UnaryKind.Relu);
        (Node, Node) head;
        using (b.Scope("head"))
            head = ClassifierHeads.PoolConv(b, x, options.NumClasses, options.GlobalPool);
        return BackboneGraph.OfLevels(b, levels, x, head) with
        {
            // The last level alone is what the norm is for.
            Intermediates = [.. levels.Select((level, i) => new IntermediateLevel(level.Node) { Norm = i == levels.Count - 1 ? (_, _) => x : null })],
        };
    }

    /// <summary>Stem and stages of an image: the levels of the pyramid, without the norm at the end.</summary>
    internal static List<FeatureLevel> Stages(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, stem: 4);
        int stemChannels = ChannelAttention.MakeDivisible(config.StemChannels * config.WidthFactor);
        Node down;
        string module;
        using (b.Scope("stem"))
            (down, module, x) = StemLayers(b, config, x, stemChannels);
        var levels = new List<FeatureLevel> { new(stemChannels, 2, $"stem.{module}", down) };
        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            int stride = schedule.Next(stage == 0 ? 1 : 2), dilation = schedule.Dilation, outChannels = ChannelAttention.MakeDivisible(config.Channels[stage] * config.WidthFactor);
            int firstDilation = dilation <= 2 ? 1 : 2;
            for (int i = 0; i < config.Layers[stage]; i++)
            {
                using (b.Scope($"stages.{stage}.blocks.{i}"))
                    x = BuildBlock(b, config, x, new BlockArgs(outChannels, i == 0 ? stride : 1, dilation, i == 0 ? firstDilation : dilation, i == 0));
            }
            levels.Add(new FeatureLevel(outChannels, schedule.Reduction, $"stages.{stage}", x));
        }
        return levels;
    }

    /// <summary>The stem in its scope: the map of stride 2 with its module, and the pooled one.</summary>
    internal static (Node Down, string Module, Node Pooled) StemLayers(GraphBuilder b, Config config, Node x, int channels)
    {
        string module = "conv";
        if (config.Stem is Stem.Deep or Stem.Tiered)
        {
            x = config.Conv(b, "conv1", x, config.Stem == Stem.Tiered ? 3 * channels / 8 : channels / 2, 3, stride: 2);
            x = config.Conv(b, "conv2", config.Norm(b, "norm1", x, UnaryKind.Relu), channels / 2, 3);
            x = config.Conv(b, module = "conv3", config.Norm(b, "norm2", x, UnaryKind.Relu), channels, 3);
        }
        else
        {
            x = config.Conv(b, module, x, channels, 7, stride: 2);
        }
        if (!config.PreAct)
            x = config.Norm(b, module = "norm", x, UnaryKind.Relu);
        Node pooled = config.Stem == Stem.Fixed ? b.MaxPool2d("pool", b.Module("pad", new Pad2dOp(1), x), 3, stride: 2)
            : b.MaxPool2d("pool", x, 3, stride: 2, config.Stem == Stem.Same ? Conv2dPadding.Of(PadType.Same, x.Shape, 3, 2) : 1);
        return (x, module, pooled);
    }

    private static Node BuildBlock(GraphBuilder b, Config config, Node x, BlockArgs args) => config.Block switch
    {
        Block.PreActBasic => PreActBasic(b, config, x, args),
        Block.PreActBottleneck => PreActBottleneck(b, config, x, args),
        _ => Bottleneck(b, config, x, args),
    };

    private static Node PreActBasic(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        b.Declare("downsample");
        Node shortcut = x, activated = config.Norm(b, "norm1", x, UnaryKind.Relu);
        if (args.IsFirst && (args.Stride != 1 || args.FirstDilation != args.Dilation || x.Shape[0] != args.OutChannels))
            shortcut = Downsample(b, config, activated, args);
        int width = ChannelAttention.MakeDivisible(args.OutChannels * config.BottleRatio);
        x = config.Conv(b, "conv1", activated, width, 3, args.Stride, args.FirstDilation);
        x = config.Conv(b, "conv2", config.Norm(b, "norm2", x, UnaryKind.Relu), args.OutChannels, 3, dilation: args.Dilation);
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    private static Node PreActBottleneck(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        int width = ChannelAttention.MakeDivisible(args.OutChannels * config.BottleRatio);
        if (args.IsFirst)
            b.Declare("downsample");
        Node shortcut = x, activated = config.Norm(b, "norm1", x, UnaryKind.Relu);
        if (args.IsFirst)
            shortcut = Downsample(b, config, activated, args);
        x = config.Conv(b, "conv1", activated, width, 1);
        x = config.Conv(b, "conv2", config.Norm(b, "norm2", x, UnaryKind.Relu), width, 3, args.Stride, args.FirstDilation);
        x = config.Conv(b, "conv3", config.Norm(b, "norm3", x, UnaryKind.Relu), args.OutChannels, 1);
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    private static Node Bottleneck(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        int width = ChannelAttention.MakeDivisible(args.OutChannels * config.BottleRatio);
        Node shortcut = args.IsFirst ? Downsample(b, config, x, args) : x;
        x = config.Norm(b, "norm1", config.Conv(b, "conv1", x, width, 1), UnaryKind.Relu);
        x = config.Norm(b, "norm2", config.Conv(b, "conv2", x, width, 3, args.Stride, args.FirstDilation), UnaryKind.Relu);
        x = config.Norm(b, "norm3", config.Conv(b, "conv3", x, args.OutChannels, 1), null);
        return b.Act("act3", b.Add(b.Identity("drop_path", x), shortcut), UnaryKind.Relu);
    }

    private static Node Downsample(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        using (b.Scope("downsample"))
        {
            if (config.AvgDown)
                x = DownsamplePool.Build(b, "pool", x, args.Stride, args.Dilation);
            x = config.Conv(b, "conv", x, args.OutChannels, 1, config.AvgDown ? 1 : args.Stride);
            return config.PreAct ? b.Identity("norm", x) : config.Norm(b, "norm", x, null);
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["layers"] = (c, v) => c with { Layers = v.PerStage(c.Layers.Length) },
        ["channels"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["width_factor"] = (c, v) => c with { WidthFactor = v.Number() },
        ["stem_chs"] = (c, v) => c with { StemChannels = v.Number() },
        ["stem_type"] = (c, v) => c with { Stem = v.OneOf(("", Stem.Plain), ("fixed", Stem.Fixed), ("same", Stem.Same), ("deep", Stem.Deep), ("tiered", Stem.Tiered)) },
        ["avg_down"] = (c, v) => c with { AvgDown = v.GetBoolean() },
        ["basic"] = (c, v) => c with { Block = v.GetBoolean() ? Block.PreActBasic : Block.PreActBottleneck },
        ["bottle_ratio"] = (c, v) => c with { BottleRatio = v.GetDouble() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["resnetv2_50x1_bit"] = Bit([3, 4, 6, 3], 1),
        ["resnetv2_50x3_bit"] = Bit([3, 4, 6, 3], 3),
        ["resnetv2_101x1_bit"] = Bit([3, 4, 23, 3], 1),
        ["resnetv2_101x3_bit"] = Bit([3, 4, 23, 3], 3),
        ["resnetv2_152x2_bit"] = Bit([3, 8, 36, 3], 2),
        ["resnetv2_152x4_bit"] = Bit([3, 8, 36, 3], 4),
        ["resnetv2_18"] = Basic([2, 2, 2, 2]),
        ["resnetv2_18d"] = D(Basic([2, 2, 2, 2])),
        ["resnetv2_34"] = Basic([3, 4, 6, 3]),
        ["resnetv2_34d"] = D(Basic([3, 4, 6, 3])),
        ["resnetv2_50"] = new([3, 4, 6, 3]),
        ["resnetv2_50d"] = D(new([3, 4, 6, 3])),
        ["resnetv2_50t"] = new([3, 4, 6, 3]) { Stem = Stem.Tiered, AvgDown = true },
        ["resnetv2_101"] = new([3, 4, 23, 3]),
        ["resnetv2_101d"] = D(new([3, 4, 23, 3])),
        ["resnetv2_152"] = new([3, 8, 36, 3]),
        ["resnetv2_152d"] = D(new([3, 8, 36, 3])),
        ["resnetv2_50d_gn"] = D(new([3, 4, 6, 3])) with { Norm = NormActs.GroupNorm32 },
        ["resnetv2_50d_evos"] = D(new([3, 4, 6, 3])) with { Norm = NormActs.EvoNorm2dS0Groups32 },
        ["resnetv2_50d_frn"] = D(new([3, 4, 6, 3])) with { Norm = NormActs.FilterResponseNormTlu2d },
    };

    private static Config Bit(ImmutableArray<int> layers, int widthFactor)
        => new(layers) { WidthFactor = widthFactor, Stem = Stem.Fixed, Norm = NormActs.GroupNorm32, Conv = ConvLayers.Standardized(eps: 1e-8f) };

    private static Config Basic(ImmutableArray<int> layers) => new(layers) { Block = Block.PreActBasic, BottleRatio = 1, Channels = [64, 128, 256, 512] };

    private static Config D(Config config) => config with { Stem = Stem.Deep, AvgDown = true };
}
