using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ResNet and its descendants: ResNeXt, Wide ResNet, SE-ResNet, ECA-ResNet, anti-aliased ResNets, ResNet-RS, SENet-154.
/// timm: <c>resnet.py</c>. Papers: Deep Residual Learning, https://arxiv.org/abs/1512.03385; Aggregated Residual Transformations,
/// https://arxiv.org/abs/1611.05431; Bag of Tricks, https://arxiv.org/abs/1812.01187; Revisiting ResNets, https://arxiv.org/abs/2103.07579
/// </summary>
public static class ResNet
{
    internal enum Block
    {
        Basic,
        Bottleneck,
    }

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

        /// <summary>Radix of the split attention that replaces the 3×3 convolution of a bottleneck (ResNeSt); 0 for none.</summary>
        public int Radix { get; init; }

        /// <summary>Average pooling in place of a strided 3×3 convolution (ResNeSt).</summary>
        public bool AvgDownInBlock { get; init; }

        /// <summary>That pooling stands before the convolution (ResNeSt-fast).</summary>
        public bool AvgDownFirst { get; init; }

        public NormLayer Norm { get; init; } = Norms.BatchNorm;

        public int ImageSize { get; init; } = 224;

        public int NumClasses { get; init; } = 1000;

        /// <summary>Name of the embedded table of convolution widths of a pruned variant.</summary>
        public string? PrunedWidths { get; init; }
    }

    private sealed record BlockArgs(int Planes, int Stride, int Dilation, int FirstDilation, Func<Node, Node>? Downsample);

    internal static BackboneGraph Build(Config config, BuildOptions options)
    {
        options.RequireOutputStride(8, 16, 32);
        Size2 size = options.ImageSize ?? config.ImageSize;
        var b = new GraphBuilder([options.InChannels, size.H, size.W]) { ConvWidths = config.PrunedWidths is { } table ? PrunedModels.Load(table) : null };

        Node x = BuildStem(b, config, b.Input);
        int stemChannels = config.Stem == Stem.Plain ? 64 : config.StemWidth * 2;
        var levels = new List<FeatureLevel> { new(stemChannels, 2, "act1", x) };
        x = BuildStemPool(b, config, x);

        int stride = 4, dilation = 1, previousDilation = 1, inPlanes = stemChannels;
        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            int stageStride = stage == 0 ? 1 : 2;
            if (stride >= options.OutputStride)
            {
                dilation *= stageStride;
                stageStride = 1;
            }
            stride *= stageStride;

            Block block = config.Blocks[stage];
            int planes = config.Channels[stage], outChannels = planes * Expansion(block);
            using (b.Scope($"layer{stage + 1}"))
            {
                for (int i = 0; i < config.Layers[stage]; i++)
                {
                    int first = previousDilation;
                    Func<Node, Node>? downsample = i == 0 && (stageStride != 1 || inPlanes != outChannels)
                        ? shortcut => Downsample(b, config, shortcut, outChannels, stageStride, dilation, first)
                        : null;
                    var args = new BlockArgs(planes, i == 0 ? stageStride : 1, dilation, first, downsample);
                    using (b.Scope($"{i}"))
                        x = block == Block.Basic ? BasicBlock(b, config, x, args) : Bottleneck(b, config, x, args);
                    previousDilation = dilation;
                    inPlanes = outChannels;
                }
            }
            levels.Add(new FeatureLevel(outChannels, stride, $"layer{stage + 1}", x));
        }

        (Node preLogits, Node logits) = Classifier.Build(b, x, options.NumClasses ?? config.NumClasses, options.GlobalPool ?? "avg");
        return new BackboneGraph
        {
            Graph = b.Build(logits),
            Features = x,
            PreLogits = preLogits,
            NumFeatures = x.Shape[0],
            HeadHiddenSize = x.Shape[0],
            Levels = [.. levels],
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node))],
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add(config.Stem == Stem.Plain ? "conv1.weight" : "conv1.0.weight", ParameterAdapters.InputConv),
        };
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

    private static Node Bottleneck(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node shortcut = x;
        bool antiAlias = UsesAntiAlias(config, args);
        int width = (int)Math.Floor(args.Planes * (config.BaseWidth / 64.0)) * config.Cardinality;
        x = b.Conv2d("conv1", x, width / config.ReduceFirst, 1);
        x = config.Norm(b, "bn1", x);
        x = b.Act("act1", x, UnaryKind.Relu);
        if (config.Radix > 0)
        {
            x = ResNeSt.SplitStage(b, config, x, width, args.Stride, args.FirstDilation);
        }
        else
        {
            x = b.Conv2d("conv2", x, width, 3, antiAlias ? 1 : args.Stride, args.FirstDilation, args.FirstDilation, config.Cardinality);
            x = config.Norm(b, "bn2", x);
            x = b.Identity("drop_block", x);
            x = b.Act("act2", x, UnaryKind.Relu);
            x = Downscale(b, config, x, args.Stride, antiAlias);
        }
        x = b.Conv2d("conv3", x, args.Planes * Expansion(Block.Bottleneck), 1);
        x = config.Norm(b, "bn3", x);
        x = Attend(b, config, x, args.Planes * Expansion(Block.Bottleneck));
        return b.Act("act3", b.Add(x, args.Downsample?.Invoke(shortcut) ?? shortcut), UnaryKind.Relu);
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

    private static int Expansion(Block block) => block == Block.Basic ? 1 : 4;

    /// <summary>All variants.</summary>
    public static IEnumerable<ModelEntry> Models =>
    [
        Model("resnet10t", new(Block.Basic, [1, 1, 1, 1]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, ImageSize = 176 }),
        Model("resnet14t", new(Block.Bottleneck, [1, 1, 1, 1]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, ImageSize = 176 }),
        Model("resnet18", new(Block.Basic, [2, 2, 2, 2])),
        Model("resnet18d", new(Block.Basic, [2, 2, 2, 2]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true }),
        Model("resnet34", new(Block.Basic, [3, 4, 6, 3])),
        Model("resnet34d", new(Block.Basic, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true }),
        Model("resnet26", new(Block.Bottleneck, [2, 2, 2, 2])),
        Model("resnet26t", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, ImageSize = 256 }),
        Model("resnet26d", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true }),
        Model("resnet50", new(Block.Bottleneck, [3, 4, 6, 3])),
        Model("resnet50c", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32 }),
        Model("resnet50d", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true }),
        Model("resnet50s", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep }),
        Model("resnet50t", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true }),
        Model("resnet101", new(Block.Bottleneck, [3, 4, 23, 3])),
        Model("resnet101c", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32 }),
        Model("resnet101d", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, ImageSize = 256 }),
        Model("resnet101s", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep }),
        Model("resnet152", new(Block.Bottleneck, [3, 8, 36, 3])),
        Model("resnet152c", new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32 }),
        Model("resnet152d", new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, ImageSize = 256 }),
        Model("resnet152s", new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep }),
        Model("resnet200", new(Block.Bottleneck, [3, 24, 36, 3])),
        Model("resnet200d", new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, ImageSize = 256 }),
        Model("wide_resnet50_2", new(Block.Bottleneck, [3, 4, 6, 3]) { BaseWidth = 128 }),
        Model("wide_resnet101_2", new(Block.Bottleneck, [3, 4, 23, 3]) { BaseWidth = 128 }),
        Model("resnet50_gn", new(Block.Bottleneck, [3, 4, 6, 3]) { Norm = Norms.GroupNorm }),
        Model("resnext50_32x4d", new(Block.Bottleneck, [3, 4, 6, 3]) { Cardinality = 32, BaseWidth = 4 }),
        Model("resnext50d_32x4d", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true }),
        Model("resnext101_32x4d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 4 }),
        Model("resnext101_32x8d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 8 }),
        Model("resnext101_32x16d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 16 }),
        Model("resnext101_32x32d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 32 }),
        Model("resnext101_64x4d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 64, BaseWidth = 4 }),
        Model("ecaresnet26t", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, Attention = Attention.Eca, ImageSize = 256 }),
        Model("ecaresnet50d", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca }),
        Model("ecaresnet50d_pruned", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca, PrunedWidths = "ecaresnet50d_pruned" }),
        Model("ecaresnet50t", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, Attention = Attention.Eca, ImageSize = 256 }),
        Model("ecaresnetlight", new(Block.Bottleneck, [1, 1, 11, 3]) { StemWidth = 32, AvgDown = true, Attention = Attention.Eca }),
        Model("ecaresnet101d", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca }),
        Model("ecaresnet101d_pruned", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca, PrunedWidths = "ecaresnet101d_pruned" }),
        Model("ecaresnet200d", new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca, ImageSize = 256 }),
        Model("ecaresnet269d", new(Block.Bottleneck, [3, 30, 48, 8]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.Eca, ImageSize = 320 }),
        Model("ecaresnext26t_32x4d", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.Eca }),
        Model("ecaresnext50t_32x4d", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.Eca }),
        Model("seresnet18", new(Block.Basic, [2, 2, 2, 2]) { Attention = Attention.SqueezeExcite }),
        Model("seresnet34", new(Block.Basic, [3, 4, 6, 3]) { Attention = Attention.SqueezeExcite }),
        Model("seresnet50", new(Block.Bottleneck, [3, 4, 6, 3]) { Attention = Attention.SqueezeExcite }),
        Model("seresnet50t", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.DeepTiered, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite }),
        Model("seresnet101", new(Block.Bottleneck, [3, 4, 23, 3]) { Attention = Attention.SqueezeExcite }),
        Model("seresnet152", new(Block.Bottleneck, [3, 8, 36, 3]) { Attention = Attention.SqueezeExcite }),
        Model("seresnet152d", new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite, ImageSize = 256 }),
        Model("seresnet200d", new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite, ImageSize = 256 }),
        Model("seresnet269d", new(Block.Bottleneck, [3, 30, 48, 8]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, Attention = Attention.SqueezeExcite, ImageSize = 256 }),
        Model("seresnext26d_32x4d", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.SqueezeExcite }),
        Model("seresnext26t_32x4d", new(Block.Bottleneck, [2, 2, 2, 2]) { Stem = Stem.DeepTiered, StemWidth = 32, Cardinality = 32, BaseWidth = 4, AvgDown = true, Attention = Attention.SqueezeExcite }),
        Model("seresnext50_32x4d", new(Block.Bottleneck, [3, 4, 6, 3]) { Cardinality = 32, BaseWidth = 4, Attention = Attention.SqueezeExcite }),
        Model("seresnext101_32x4d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 4, Attention = Attention.SqueezeExcite }),
        Model("seresnext101_32x8d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 32, BaseWidth = 8, Attention = Attention.SqueezeExcite }),
        Model("seresnext101d_32x8d", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 8, AvgDown = true, Attention = Attention.SqueezeExcite }),
        Model("seresnext101_64x4d", new(Block.Bottleneck, [3, 4, 23, 3]) { Cardinality = 64, BaseWidth = 4, Attention = Attention.SqueezeExcite }),
        Model("senet154", new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, Cardinality = 64, BaseWidth = 4, ReduceFirst = 2, DownKernel = 3, Attention = Attention.SqueezeExcite }),
        Model("resnetblur18", new(Block.Basic, [2, 2, 2, 2]) { AntiAlias = AntiAlias.Blur }),
        Model("resnetblur50", new(Block.Bottleneck, [3, 4, 6, 3]) { AntiAlias = AntiAlias.Blur }),
        Model("resnetblur50d", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Blur }),
        Model("resnetblur101d", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Blur }),
        Model("resnetaa34d", new(Block.Basic, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg }),
        Model("resnetaa50", new(Block.Bottleneck, [3, 4, 6, 3]) { AntiAlias = AntiAlias.Avg }),
        Model("resnetaa50d", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg }),
        Model("resnetaa101d", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg }),
        Model("seresnetaa50d", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, AvgDown = true, AntiAlias = AntiAlias.Avg, Attention = Attention.SqueezeExcite }),
        Model("seresnextaa101d_32x8d", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, Cardinality = 32, BaseWidth = 8, AvgDown = true, AntiAlias = AntiAlias.Avg, Attention = Attention.SqueezeExcite, ImageSize = 288 }),
        Model("seresnextaa201d_32x8d", new(Block.Bottleneck, [3, 24, 36, 4]) { Stem = Stem.Deep, Cardinality = 32, BaseWidth = 8, AvgDown = true, AntiAlias = AntiAlias.Avg, Attention = Attention.SqueezeExcite, ImageSize = 384 }),
        Model("resnetrs50", new(Block.Bottleneck, [3, 4, 6, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 160 }),
        Model("resnetrs101", new(Block.Bottleneck, [3, 4, 23, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 192 }),
        Model("resnetrs152", new(Block.Bottleneck, [3, 8, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 256 }),
        Model("resnetrs200", new(Block.Bottleneck, [3, 24, 36, 3]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 256 }),
        Model("resnetrs270", new(Block.Bottleneck, [4, 29, 53, 4]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 256 }),
        Model("resnetrs350", new(Block.Bottleneck, [4, 36, 72, 4]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 288 }),
        Model("resnetrs420", new(Block.Bottleneck, [4, 44, 87, 4]) { Stem = Stem.Deep, StemWidth = 32, ReplaceStemPool = true, AvgDown = true, Attention = Attention.SqueezeExciteQuarter, ImageSize = 320 }),
        Model("test_resnet", new([Block.Basic, Block.Basic, Block.Bottleneck, Block.Basic], [1, 1, 1, 1]) { Stem = Stem.Deep, StemWidth = 16, AvgDown = true, Channels = [32, 48, 48, 96], ImageSize = 160 }),
    ];

    private static ModelEntry Model(string name, Config config) => new(name, options => Build(config, options));
}
