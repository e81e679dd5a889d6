using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Bring-your-own-blocks networks: a stem and stages of blocks, each of its own kind, with any attention in them. GENet, RepVGG, MobileOne, RegNetZ, the image side of
/// CLIP's ResNets, and many variations of ResNet.
/// timm: <c>byobnet.py</c>. Papers: Neural Architecture Design for GPU-Efficient Networks, https://arxiv.org/abs/2006.14090; RepVGG, https://arxiv.org/abs/2101.03697;
/// MobileOne, https://arxiv.org/abs/2206.04040; CLIP, https://arxiv.org/abs/2103.00020
/// </summary>
internal static partial class ByobNet
{
    internal enum Stem
    {
        /// <summary>One 3×3 convolution.</summary>
        Conv3x3,
        /// <summary>One 7×7 convolution.</summary>
        Conv7x7,
        /// <summary>Three 3×3 convolutions of one width.</summary>
        Deep,
        /// <summary>Three 3×3 convolutions of widths 3w/8, w/2, w.</summary>
        Tiered,
        /// <summary>Three 3×3 convolutions of widths w/2, w/2, w.</summary>
        Clip,
        /// <summary>Four 3×3 convolutions of widths w/8, w/4, w/2, w.</summary>
        Quad,
        /// <summary>The same; norm and activation are behind the last two alone.</summary>
        Quad2,
        /// <summary>RepVGG's block.</summary>
        Rep,
        /// <summary>MobileOne's block.</summary>
        One,
    }

    internal enum Pool
    {
        None,
        /// <summary>Maximum of 3×3 pixels, stride 2.</summary>
        Max,
        /// <summary>Mean of 2×2 pixels.</summary>
        Avg2,
    }

    /// <summary>The layer of a shortcut whose block changes size or width.</summary>
    internal enum Shortcut
    {
        /// <summary>A strided 1×1 convolution.</summary>
        Conv,
        /// <summary>Average pooling and a 1×1 convolution.</summary>
        Avg,
        /// <summary>No shortcut there.</summary>
        None,
    }

    internal enum Head
    {
        Classifier,
        /// <summary>Norm and a hidden layer of 1024 behind the pooling.</summary>
        Mlp,
        /// <summary>CLIP's attention pooling.</summary>
        Attention,
    }

    /// <summary>A block's layers in its scope: x <c>[C, H, W]</c> → <c>[channels, H/stride, W/stride]</c>.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x, BlockArgs args);

    /// <summary>Self-attention in the place of a 3×3 convolution, under a name: x <c>[C, H, W]</c> → <c>[C, H/stride, W/stride]</c>.</summary>
    internal delegate Node SelfAttentionLayer(GraphBuilder b, string name, Node x, int stride);

    /// <summary>Blocks of a kind, one after another.</summary>
    /// <param name="Build">Their layers.</param>
    /// <param name="Depth">Their number.</param>
    /// <param name="Channels">Channels of each, before the model's width factor.</param>
    /// <param name="Stride">Stride of the stage, if they are its first.</param>
    internal sealed record Blocks(BlockLayers Build, int Depth, double Channels, int Stride = 2)
    {
        /// <summary>Channels of a convolution's group; 0 for no groups, 1 for depthwise.</summary>
        public int GroupSize { get; init; }

        /// <summary>Groups of every second block.</summary>
        public int AlternateGroups { get; init; }

        /// <summary>Width of the layers within, relative to the block's.</summary>
        public double BottleRatio { get; init; } = 1;

        /// <summary>Kernel size.</summary>
        public int Kernel { get; init; } = 3;

        /// <summary>Parallel convolutions (MobileOne).</summary>
        public int Branches { get; init; } = 1;

        /// <summary>Channel attention; null for the model's.</summary>
        public AttentionLayer? Attention { get; init; }

        /// <summary>Self-attention; null for the model's.</summary>
        public SelfAttentionLayer? SelfAttention { get; init; }
    }

    /// <summary>A stage: blocks of one kind or of several.</summary>
    internal sealed record Stage(params ImmutableArray<Blocks> Blocks)
    {
        public static implicit operator Stage(Blocks blocks) => new(blocks);
    }

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<Stage> Stages)
    {
        public Stem Stem { get; init; } = Stem.Conv3x3;

        public int StemChannels { get; init; } = 64;

        /// <summary>Pooling at the end of the stem; RepVGG's and MobileOne's have none, whatever this says.</summary>
        public Pool StemPool { get; init; } = Pool.None;

        public double WidthFactor { get; init; } = 1;

        /// <summary>Channels of a last 1×1 convolution, before the width factor; 0 for none.</summary>
        public int NumFeatures { get; init; }

        public Shortcut Shortcut { get; init; } = Shortcut.Conv;

        public UnaryKind Act { get; init; } = UnaryKind.Relu;

        public NormActLayer Norm { get; init; } = NormActs.BatchNorm;

        /// <summary>What takes over the strides of the stages' convolutions.</summary>
        public AaLayer? AntiAlias { get; init; }

        public AttentionLayer? Attention { get; init; }

        public SelfAttentionLayer? SelfAttention { get; init; }

        /// <summary>Bottlenecks have a second 3×3 convolution.</summary>
        public bool ExtraConv { get; init; }

        /// <summary>A bottleneck's width is relative to its input, and nothing is behind the addition (RegNetZ).</summary>
        public bool Inverted { get; init; }

        public Head Head { get; init; } = Head.Classifier;
    }

    /// <summary>What a block has to do in its place.</summary>
    /// <param name="Blocks">Its kind.</param>
    /// <param name="Channels">Channels of the result.</param>
    /// <param name="Stride">Stride.</param>
    /// <param name="FirstDilation">Dilation of the convolution that has the stride.</param>
    /// <param name="Dilation">Dilation of the stage.</param>
    /// <param name="GroupSize">Channels of a group; 0 for no groups.</param>
    internal sealed record BlockArgs(Blocks Blocks, int Channels, int Stride, int FirstDilation, int Dilation, int GroupSize)
    {
        public int GroupsOf(int channels) => GroupSize == 0 ? 1 : channels % GroupSize == 0 ? channels / GroupSize
            : throw new GraphException($"{channels} channels do not divide into groups of {GroupSize}.");
    }

    internal static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        (Node x, List<FeatureLevel> levels) = BuildStem(b, config);
        FeatureLevel last = levels[^1];
        levels.RemoveAt(levels.Count - 1);
        var schedule = new StrideSchedule(options, last.Reduction);
        for (int stage = 0; stage < config.Stages.Length; stage++)
        {
            ImmutableArray<Blocks> blocks = config.Stages[stage].Blocks;
            // A map is a level if the next stage makes it smaller.
            if (blocks[0].Stride != 1)
                levels.Add(last);
            int stride = schedule.Next(blocks[0].Stride);
            x = BuildStage(b, config, x, stage, stride, schedule.Dilation);
            last = new FeatureLevel(x.Shape[0], schedule.Reduction, $"stages.{stage}", x);
        }
        x = config.NumFeatures > 0 ? ConvNormAct.Build(b, "final_conv", x, (int)Math.Round(config.WidthFactor * config.NumFeatures), 1, config.Norm, config.Act) : b.Identity("final_conv", x);
        levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, "final_conv", x));

        if (config.Head == Head.Mlp)
        {
            var head = ClassifierHeads.PoolNormMlp(b, x, options.NumClasses, options.GlobalPool, Norms.BatchNorm, MlpHiddenSize, ActLayers.Timm(config.Act));
            return BackboneGraph.OfLevels(b, levels, x, head) with { HeadHiddenSize = MlpHiddenSize };
        }
        if (config.Head == Head.Attention)
        {
            Size2 grid = (x.Shape[1], x.Shape[2]), pretrained = (options.PretrainedSize.H / schedule.Reduction, options.PretrainedSize.W / schedule.Reduction);
            return BackboneGraph.OfLevels(b, levels, x, AttentionPool2d.Build(b, "head", x, options.NumClasses, options.GlobalPool)) with
            {
                Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add("head.pos_embed", AttentionPool2d.PositionEmbedding(pretrained, grid)),
            };
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool));
    }

    private const int MlpHiddenSize = 1024;

    /// <summary>The stem: its result, and the maps of each stride in it.</summary>
    private static (Node Result, List<FeatureLevel> Levels) BuildStem(GraphBuilder b, Config config)
    {
        int width = (int)Math.Round(config.StemChannels * config.WidthFactor);
        if (config.Stem is Stem.Rep or Stem.One)
        {
            var blocks = new Blocks(config.Stem == Stem.Rep ? RepVgg : MobileOne, 1, width);
            using (b.Scope("stem"))
            {
                Node block = blocks.Build(b, config, b.Input, new BlockArgs(blocks, width, 2, 1, 1, 0));
                return (block, [new FeatureLevel(width, 2, "stem", block)]);
            }
        }
        int kernel = config.Stem == Stem.Conv7x7 ? 7 : 3;
        if (config is { Stem: Stem.Conv3x3 or Stem.Conv7x7, StemPool: Pool.None })
        {
            Node conv = ConvNormAct.Build(b, "stem", b.Input, width, kernel, config.Norm, config.Act, stride: 2);
            return (conv, [new FeatureLevel(width, 2, "stem", conv)]);
        }
        ImmutableArray<int> widths = config.Stem switch
        {
            Stem.Deep => [width, width, width],
            Stem.Tiered => [3 * width / 8, width / 2, width],
            Stem.Clip => [width / 2, width / 2, width],
            Stem.Quad or Stem.Quad2 => [.. new[] { 0.125, 0.25, 0.5, 1 }.Select(part => (int)Math.Round(part * width))],
            _ => [width],
        };
        return StackedStem(b, config, widths, kernel);
    }

    /// <summary>Convolutions with a stride of 2 in the first, and another in the last if there is no pooling.</summary>
    private static (Node Result, List<FeatureLevel> Levels) StackedStem(GraphBuilder b, Config config, ImmutableArray<int> widths, int kernel)
    {
        var levels = new List<FeatureLevel>();
        Node x = b.Input;
        int bare = config.Stem == Stem.Quad2 ? 2 : 0, reduction = 1;
        string name = "";
        using (b.Scope("stem"))
        {
            for (int i = 0; i < widths.Length; i++)
            {
                int stride = i == 0 || (i == widths.Length - 1 && config.StemPool == Pool.None) ? 2 : 1;
                if (i > 0 && stride > 1)
                    AddLevel();
                name = $"conv{i + 1}";
                x = i < bare ? ConvLayers.Plain(b, name, x, widths[i], kernel, stride) : ConvNormAct.Build(b, name, x, widths[i], kernel, config.Norm, config.Act, stride);
                reduction *= stride;
            }
            if (config.StemPool != Pool.None)
            {
                AddLevel();
                name = "pool";
                x = config.StemPool == Pool.Avg2 ? b.AvgPool2d(name, x, 2) : b.MaxPool2d(name, x, 3, stride: 2, padding: 1);
                reduction *= 2;
            }
            AddLevel();
        }
        return (x, levels);

        void AddLevel() => levels.Add(new FeatureLevel(x.Shape[0], reduction, $"stem.{name}", x));
    }

    private static Node BuildStage(GraphBuilder b, Config config, Node x, int stage, int stride, int dilation)
    {
        int index = 0, firstDilation = dilation <= 2 ? 1 : 2;
        foreach (Blocks blocks in config.Stages[stage].Blocks)
        {
            int channels = ChannelAttention.MakeDivisible(blocks.Channels * config.WidthFactor);
            for (int i = 0; i < blocks.Depth; i++, index++)
            {
                int groupSize = blocks.AlternateGroups > 0 ? (index % 2 == 1 ? channels / blocks.AlternateGroups : 0) : blocks.GroupSize;
                var args = new BlockArgs(blocks, channels, index == 0 ? stride : 1, firstDilation, dilation, groupSize);
                using (b.Scope($"stages.{stage}.{index}"))
                    x = blocks.Build(b, config, x, args);
                firstDilation = dilation;
            }
        }
        return x;
    }
}
