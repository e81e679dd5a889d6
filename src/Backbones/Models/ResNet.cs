using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ResNet and its descendants: ResNeXt, Wide ResNet, SE-ResNet, ECA-ResNet, anti-aliased ResNets, ResNet-RS, SENet-154.
/// timm: <c>resnet.py</c>. Papers: Deep Residual Learning, https://arxiv.org/abs/1512.03385; Aggregated Residual Transformations,
/// https://arxiv.org/abs/1611.05431; Bag of Tricks, https://arxiv.org/abs/1812.01187; Revisiting ResNets, https://arxiv.org/abs/2103.07579
/// </summary>
internal static class ResNet
{
    /// <summary>A kind of block: its output's channels for one of its planes, and its layers, in the block's scope.</summary>
    internal sealed record Block(int Expansion, Func<GraphBuilder, Config, Node, BlockArgs, Node> Build)
    {
        public static Block Basic { get; } = new(1, BasicBlock);

        public static Block Bottleneck { get; } = new(4, (b, config, x, args) => BottleneckBlock(b, config, x, args, SpatialConv));
    }

    /// <summary>What a block has to do in its place.</summary>
    /// <param name="Planes">Its width by design.</param>
    /// <param name="Stride">Its stride.</param>
    /// <param name="Dilation">Dilation of the stage.</param>
    /// <param name="FirstDilation">Dilation of the convolution that has the stride.</param>
    /// <param name="Downsample">The shortcut's layers; null for none.</param>
    internal sealed record BlockArgs(int Planes, int Stride, int Dilation, int FirstDilation, Func<Node, Node>? Downsample);

    /// <summary>The middle of a bottleneck: x <c>[C, H, W]</c> → <c>[width, H/stride, W/stride]</c>.</summary>
    internal delegate Node MiddleLayers(GraphBuilder b, Config config, Node x, int width, BlockArgs args);

    internal enum Stem
    {
        /// <summary>One 7×7 convolution.</summary>
        Plain,
        /// <summary>Three 3×3 convolutions of widths w, w, 2w.</summary>
        Deep,
        /// <summary>Three 3×3 convolutions of widths ¾w, w, 2w.</summary>
        DeepTiered,
    }

    internal enum AntiAlias
    {
        None,
        Blur,
        Avg,
    }

    internal enum Attention
    {
        None,
        SqueezeExcite,
        /// <summary>Squeeze-excite with a quarter of the channels (ResNet-RS).</summary>
        SqueezeExciteQuarter,
        Eca,
    }

    /// <summary>What tells one variant from another; the defaults are ResNet's.</summary>
    internal sealed record Config(ImmutableArray<Block> Blocks, ImmutableArray<int> Layers)
    {
        public Config(Block block, ImmutableArray<int> layers) : this([block, block, block, block], layers)
        {
        }

        public ImmutableArray<int> Channels { get; init; } = [64, 128, 256, 512];

        public int Cardinality { get; init; } = 1;

        public int BaseWidth { get; init; } = 64;

        public Stem Stem { get; init; } = Stem.Plain;

        public int StemWidth { get; init; } = 64;

        public bool ReplaceStemPool { get; init; }

        public int ReduceFirst { get; init; } = 1;

        public int DownKernel { get; init; } = 1;

        public bool AvgDown { get; init; }

        public AntiAlias AntiAlias { get; init; }

        public Attention Attention { get; init; }

        public NormLayer Norm { get; init; } = Norms.BatchNorm;
    }

    internal static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        List<FeatureLevel> levels = Stages(b, config, b.Input, options);
        Node x = levels[^1].Node;
        return BackboneGraph.OfLevels(b, levels, x, Classifier.Build(b, x, options.NumClasses, options.GlobalPool));
    }

    /// <summary>Stem and stages of an image: the levels of the pyramid.</summary>
    internal static List<FeatureLevel> Stages(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, stem: 4);
        x = BuildStem(b, config, x);
        int stemChannels = config.Stem == Stem.Plain ? 64 : config.StemWidth * 2;
        var levels = new List<FeatureLevel> { new(stemChannels, 2, "act1", x) };
        x = BuildStemPool(b, config, x);

        int previousDilation = 1, inPlanes = stemChannels;
        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            int stride = schedule.Next(stage == 0 ? 1 : 2), dilation = schedule.Dilation;
            Block block = config.Blocks[stage];
            int planes = config.Channels[stage], outChannels = planes * block.Expansion;
            using (b.Scope($"layer{stage + 1}"))
            {
                for (int i = 0; i < config.Layers[stage]; i++)
                {
                    int first = previousDilation;
                    Func<Node, Node>? downsample = i == 0 && (stride != 1 || inPlanes != outChannels)
                        ? shortcut => Downsample(b, config, shortcut, outChannels, stride, dilation, first)
                        : null;
                    var args = new BlockArgs(planes, i == 0 ? stride : 1, dilation, first, downsample);
                    using (b.Scope($"{i}"))
                        x = block.Build(b, config, x, args);
                    previousDilation = dilation;
                    inPlanes = outChannels;
                }
            }
            levels.Add(new FeatureLevel(outChannels, schedule.Reduction, $"layer{stage + 1}", x));
        }
        return levels;
    }

    private static Node BuildStem(GraphBuilder b, Config config, Node x)
    {
        if (config.Stem == Stem.Plain)
        {
            x = b.Conv2d("conv1", x, 64, 7, stride: 2, padding: 3);
        }
        else
        {
            int width = config.StemWidth, firstWidth = config.Stem == Stem.DeepTiered ? 3 * (width / 4) : width;
            using (b.Scope("conv1"))
            {
                x = b.Act("2", config.Norm(b, "1", b.Conv2d("0", x, firstWidth, 3, stride: 2, padding: 1)), UnaryKind.Relu);
                x = b.Act("5", config.Norm(b, "4", b.Conv2d("3", x, width, 3, padding: 1)), UnaryKind.Relu);
                x = b.Conv2d("6", x, width * 2, 3, padding: 1);
            }
        }
        return b.Act("act1", config.Norm(b, "bn1", x), UnaryKind.Relu);
    }

    private static Node BuildStemPool(GraphBuilder b, Config config, Node x)
    {
        if (config.ReplaceStemPool)
        {
            using (b.Scope("maxpool"))
            {
                x = b.Conv2d("0", x, x.Shape[0], 3, stride: 2, padding: 1);
                return b.Act("2", config.Norm(b, "1", x), UnaryKind.Relu);
            }
        }
        if (config.AntiAlias == AntiAlias.Avg)
            return b.AvgPool2d("maxpool", x, 2);
        if (config.AntiAlias == AntiAlias.None)
            return b.MaxPool2d("maxpool", x, 3, stride: 2, padding: 1);
        using (b.Scope("maxpool"))
            return BlurPool2d.Build(b, "1", b.MaxPool2d("0", x, 3, stride: 1, padding: 1));
    }

    private static Node BasicBlock(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        if (config.Cardinality != 1 || config.BaseWidth != 64)
            throw new GraphException($"Basic blocks have one group and their own width: 'cardinality' must be 1 and 'base_width' 64, not {config.Cardinality} and {config.BaseWidth}; bottlenecks, as in resnet50, take others.");
        Node shortcut = x;
        bool antiAlias = UsesAntiAlias(config, args);
        x = b.Conv2d("conv1", x, args.Planes / config.ReduceFirst, 3, antiAlias ? 1 : args.Stride, args.FirstDilation, args.FirstDilation);
        x = config.Norm(b, "bn1", x);
        x = b.Identity("drop_block", x);
        x = b.Act("act1", x, UnaryKind.Relu);
        x = Downscale(b, config, x, args.Stride, antiAlias);
        x = b.Conv2d("conv2", x, args.Planes, 3, 1, args.Dilation, args.Dilation);
        x = config.Norm(b, "bn2", x);
        x = Attend(b, config, x, args.Planes);
        return b.Act("act2", b.Add(x, args.Downsample?.Invoke(shortcut) ?? shortcut), UnaryKind.Relu);
    }

    /// <summary>A bottleneck around any middle: <c>conv1</c> narrows, the middle sees the neighbourhood, <c>conv3</c> widens.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="config">The variant.</param>
    /// <param name="x">The map.</param>
    /// <param name="args">Its place.</param>
    /// <param name="middle">What is between.</param>
    internal static Node BottleneckBlock(GraphBuilder b, Config config, Node x, BlockArgs args, MiddleLayers middle)
    {
        Node shortcut = x;
        int width = (int)Math.Floor(args.Planes * (config.BaseWidth / 64.0)) * config.Cardinality;
        x = b.Conv2d("conv1", x, width / config.ReduceFirst, 1);
        x = config.Norm(b, "bn1", x);
        x = b.Act("act1", x, UnaryKind.Relu);
        x = middle(b, config, x, width, args);
        x = b.Conv2d("conv3", x, args.Planes * Block.Bottleneck.Expansion, 1);
        x = config.Norm(b, "bn3", x);
        x = Attend(b, config, x, args.Planes * Block.Bottleneck.Expansion);
        return b.Act("act3", b.Add(x, args.Downsample?.Invoke(shortcut) ?? shortcut), UnaryKind.Relu);
    }

    private static Node SpatialConv(GraphBuilder b, Config config, Node x, int width, BlockArgs args)
    {
        bool antiAlias = UsesAntiAlias(config, args);
        x = b.Conv2d("conv2", x, width, 3, antiAlias ? 1 : args.Stride, args.FirstDilation, args.FirstDilation, config.Cardinality);
        x = config.Norm(b, "bn2", x);
        x = b.Identity("drop_block", x);
        x = b.Act("act2", x, UnaryKind.Relu);
        return Downscale(b, config, x, args.Stride, antiAlias);
    }

    private static Node Downsample(GraphBuilder b, Config config, Node x, int outChannels, int stride, int dilation, int firstDilation)
    {
        using (b.Scope("downsample"))
        {
            if (!config.AvgDown)
            {
                int kernel = stride == 1 && dilation == 1 ? 1 : config.DownKernel;
                int d = kernel > 1 ? firstDilation : 1;
                x = b.Conv2d("0", x, outChannels, kernel, stride, (stride - 1 + d * (kernel - 1)) / 2, d);
                return config.Norm(b, "1", x);
            }
            x = DownsamplePool.Build(b, "0", x, stride, dilation);
            x = b.Conv2d("1", x, outChannels, 1);
            return config.Norm(b, "2", x);
        }
    }

    private static bool UsesAntiAlias(Config config, BlockArgs args)
        => config.AntiAlias != AntiAlias.None && (args.Stride == 2 || args.FirstDilation != args.Dilation);

    private static Node Downscale(GraphBuilder b, Config config, Node x, int stride, bool enabled) => !enabled ? b.Identity("aa", x)
        : config.AntiAlias == AntiAlias.Blur ? BlurPool2d.Build(b, "aa", x, stride: stride)
        : stride == 1 ? b.Identity("aa", x)
        : b.AvgPool2d("aa", x, stride);

    private static Node Attend(GraphBuilder b, Config config, Node x, int designChannels) => config.Attention switch
    {
        Attention.SqueezeExcite => ChannelAttention.SqueezeExcite(b, "se", x),
        Attention.SqueezeExciteQuarter => ChannelAttention.SqueezeExcite(b, "se", x, reductionRatio: 0.25f),
        Attention.Eca => ChannelAttention.Eca(b, "se", x, designChannels),
        _ => x,
    };

    internal static IReadOnlyDictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new Dictionary<string, Func<Config, JsonElement, Config>>
    {
        ["layers"] = (c, v) => c with { Layers = v.PerStage(c.Layers.Length) },
        ["cardinality"] = (c, v) => c with { Cardinality = v.GetInt32() },
        ["base_width"] = (c, v) => c with { BaseWidth = v.GetInt32() },
        ["stem_width"] = (c, v) => c with { StemWidth = v.Number() },
        ["stem_type"] = (c, v) => c with { Stem = v.OneOf(("", Stem.Plain), ("deep", Stem.Deep), ("deep_tiered", Stem.DeepTiered)) },
        ["replace_stem_pool"] = (c, v) => c with { ReplaceStemPool = v.GetBoolean() },
        ["avg_down"] = (c, v) => c with { AvgDown = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["resnet10t"] = new(Block.Basic, [1, 1, 1, 1]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true },
        ["resnet14t"] = new(Block.Bottleneck, [1, 1, 1, 1]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true },
        ["resnet18"] = new(Block.Basic, [2, 2, 2, 2]),
        ["resnet18d"] = new(Block.Basic, [2, 2, 2, 2]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["resnet34"] = new(Block.Basic, [3, 4, 6, 3]),
        ["resnet34d"] = new(Block.Basic, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["resnet26"] = new(Block.Bottleneck, [2, 2, 2, 2]),
        ["resnet26t"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true },
        ["resnet26d"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["resnet50"] = new(Block.Bottleneck, [3, 4, 6, 3]),
        ["resnet50c"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32 },
        ["resnet50d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["resnet50s"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep },
        ["resnet50t"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true },
        ["resnet101"] = new(Block.Bottleneck, [3, 4, 23, 3]),
        ["resnet101c"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32 },
        ["resnet101d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["resnet101s"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep },
        ["resnet152"] = new(Block.Bottleneck, [3, 8, 36, 3]),
        ["resnet152c"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32 },
        ["resnet152d"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["resnet152s"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep },
        ["resnet200"] = new(Block.Bottleneck, [3, 24, 36, 3]),
        ["resnet200d"] = new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true },
        ["wide_resnet50_2"] = new(Block.Bottleneck, [3, 4, 6, 3]) { BaseWidth = 128 },
        ["wide_resnet101_2"] = new(Block.Bottleneck, [3, 4, 23, 3]) { BaseWidth = 128 },
        ["resnet50_gn"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Norm = Norms.GroupNorm },
        ["resnext50_32x4d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Cardinality = 32, BaseWidth = 4 },
        ["resnext50d_32x4d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true },
        ["resnext101_32x4d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 4 },
        ["resnext101_32x8d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 8 },
        ["resnext101_32x16d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 16 },
        ["resnext101_32x32d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 32 },
        ["resnext101_64x4d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 64, BaseWidth = 4 },
        ["ecaresnet26t"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet50d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet50d_pruned"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet50t"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnetlight"] = new(Block.Bottleneck, [1, 1, 11, 3]) { StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet101d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet101d_pruned"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet200d"] = new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnet269d"] = new(Block.Bottleneck, [3, 30, 48, 8]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnext26t_32x4d"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.Eca },
        ["ecaresnext50t_32x4d"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.Eca },
        ["seresnet18"] = new(Block.Basic, [2, 2, 2, 2]) { Attention = Attention.SqueezeExcite },
        ["seresnet34"] = new(Block.Basic, [3, 4, 6, 3]) { Attention = Attention.SqueezeExcite },
        ["seresnet50"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Attention = Attention.SqueezeExcite },
        ["seresnet50t"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnet101"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Attention = Attention.SqueezeExcite },
        ["seresnet152"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Attention = Attention.SqueezeExcite },
        ["seresnet152d"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnet200d"] = new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnet269d"] = new(Block.Bottleneck, [3, 30, 48, 8]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnext26d_32x4d"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnext26t_32x4d"] = new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnext50_32x4d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Cardinality = 32, BaseWidth = 4, Attention = Attention.SqueezeExcite },
        ["seresnext101_32x4d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 4, Attention = Attention.SqueezeExcite },
        ["seresnext101_32x8d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 8, Attention = Attention.SqueezeExcite },
        ["seresnext101d_32x8d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 8, AvgDown = true, Attention = Attention.SqueezeExcite },
        ["seresnext101_64x4d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 64, BaseWidth = 4, Attention = Attention.SqueezeExcite },
        ["senet154"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, Cardinality = 64, BaseWidth = 4, ReduceFirst = 2, DownKernel = 3, Attention = Attention.SqueezeExcite },
        ["resnetblur18"] = new(Block.Basic, [2, 2, 2, 2]) { AntiAlias = AntiAlias.Blur },
        ["resnetblur50"] = new(Block.Bottleneck, [3, 4, 6, 3]) { AntiAlias = AntiAlias.Blur },
        ["resnetblur50d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Blur },
        ["resnetblur101d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Blur },
        ["resnetaa34d"] = new(Block.Basic, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg },
        ["resnetaa50"] = new(Block.Bottleneck, [3, 4, 6, 3]) { AntiAlias = AntiAlias.Avg },
        ["resnetaa50d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg },
        ["resnetaa101d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg },
        ["seresnetaa50d"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg, Attention = Attention.SqueezeExcite },
        ["seresnextaa101d_32x8d"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 8, AvgDown = true, AntiAlias = AntiAlias.Avg, Attention = Attention.SqueezeExcite },
        ["seresnextaa201d_32x8d"] = new(Block.Bottleneck, [3, 24, 36, 4]) { Stem = Stem.Deep, Cardinality = 32, BaseWidth = 8, AvgDown = true, AntiAlias = AntiAlias.Avg, Attention = Attention.SqueezeExcite },
        ["resnetrs50"] = new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["resnetrs101"] = new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["resnetrs152"] = new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["resnetrs200"] = new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["resnetrs270"] = new(Block.Bottleneck, [4, 29, 53, 4]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["resnetrs350"] = new(Block.Bottleneck, [4, 36, 72, 4]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["resnetrs420"] = new(Block.Bottleneck, [4, 44, 87, 4]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter },
        ["test_resnet"] = new([Block.Basic, Block.Basic, Block.Bottleneck, Block.Basic], [1, 1, 1, 1]) { Stem = Stem.Deep, StemWidth = 16, AvgDown = true, Channels = [32, 48, 48, 96] },
    };
}
