using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Normalisation-free networks: standardised weights and constant factors keep the variance where others have norms. NFNet-F, NF-RegNet, NF-ResNet.
/// timm: <c>nfnet.py</c>. Papers: High-Performance Large-Scale Image Recognition Without Normalization, https://arxiv.org/abs/2102.06171; Characterizing signal propagation
/// to close the performance gap in unnormalized ResNets, https://arxiv.org/abs/2101.08692
/// </summary>
internal static class NfNet
{
    internal enum Stem
    {
        /// <summary>One 3×3 convolution of stride 2.</summary>
        Conv3x3,
        /// <summary>A 7×7 convolution and maximum pooling.</summary>
        Conv7x7Pool,
        /// <summary>Four 3×3 convolutions of widths w/8, w/4, w/2, w.</summary>
        DeepQuad,
    }

    /// <summary>What tells one variant from another; the defaults are NFNet-F's.</summary>
    internal sealed record Config(ImmutableArray<int> Depths)
    {
        public ImmutableArray<int> Channels { get; init; } = [256, 512, 1536, 1536];

        public Stem Stem { get; init; } = Stem.DeepQuad;

        /// <summary>Channels of the stem, before the width factor; null for those of the first stage.</summary>
        public int? StemChannels { get; init; } = 128;

        public double WidthFactor { get; init; } = 1;

        /// <summary>Channels of a group of the 3×3 convolutions; 0 for no groups.</summary>
        public int GroupSize { get; init; } = 128;

        public double BottleRatio { get; init; } = 0.5;

        /// <summary>Channels of the last 1×1 convolution; 0 for none.</summary>
        public int NumFeatures { get; init; }

        /// <summary>A second 3×3 convolution in each block.</summary>
        public bool ExtraConv { get; init; } = true;

        /// <summary>Widths within are relative to the input, and attention is in the middle (NF-RegNet).</summary>
        public bool Inverted { get; init; }

        public UnaryKind Act { get; init; } = UnaryKind.Gelu;

        /// <summary>Factor of what a block adds.</summary>
        public float Alpha { get; init; } = 0.2f;

        /// <summary>Factor of what an attention layer leaves.</summary>
        public float AttentionGain { get; init; } = 2;

        /// <summary>Added to the variance of the weights.</summary>
        public float Eps { get; init; } = 1e-5f;

        public AttentionLayer? Attention { get; init; }

        /// <summary>As DeepMind's weights want it: padding as TensorFlow's, the activation's factor behind it, a learned factor of each block.</summary>
        public bool DeepMind { get; init; }

        /// <summary>What makes the activation's variance 1 again.</summary>
        public float Gamma => Act switch
        {
            UnaryKind.Relu => 1.7139588594436646f,
            UnaryKind.Silu => 1.7881293296813965f,
            _ => 1.7015043497085571f,
        };

        /// <summary>A convolution whose input is an activation times that factor.</summary>
        public ConvLayer Conv(float factor = 1) => ConvLayers.ScaledStandardized(Gamma * factor, Eps, Pad);

        /// <summary>A convolution at the root of the model: there the factor is in all convolutions, or in the activations (DeepMind).</summary>
        public ConvLayer RootConv => DeepMind ? ConvLayers.ScaledStandardized(1, Eps, Pad) : Conv();

        private PadType Pad => DeepMind ? PadType.Same : PadType.Symmetric;
    }

    /// <param name="Channels">Channels of the block.</param>
    /// <param name="Stride">Stride.</param>
    /// <param name="Dilation">Dilation of the stage.</param>
    /// <param name="FirstDilation">Dilation of the convolution that has the stride.</param>
    /// <param name="BottleRatio">Width within.</param>
    /// <param name="Beta">One over the standard deviation that the input is expected to have.</param>
    private sealed record BlockArgs(int Channels, int Stride, int Dilation, int FirstDilation, double BottleRatio, float Beta);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        (Node x, FeatureLevel stem) = BuildStem(b, config);
        var levels = new List<FeatureLevel> { stem };
        var schedule = new StrideSchedule(options, config.Stem == Stem.Conv3x3 ? 2 : 4);
        double variance = 1;
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int stride = schedule.Next(stage == 0 && config.Stem != Stem.Conv3x3 ? 1 : 2), dilation = schedule.Dilation;
            int channels = ChannelAttention.MakeDivisible(config.Channels[stage] * config.WidthFactor);
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                double ratio = config.Inverted && stage == 0 && i == 0 ? 1 : config.BottleRatio;
                int firstDilation = i > 0 ? dilation : dilation <= 2 ? 1 : 2;
                var args = new BlockArgs(channels, i == 0 ? stride : 1, dilation, firstDilation, ratio, (float)(1 / Math.Sqrt(variance)));
                Node input = x;
                x = b.Leaf($"stages.{stage}.{i}", () => Block(b, config, input, args));
                variance = (i == 0 ? 1 : variance) + config.Alpha * config.Alpha;
            }
            levels.Add(new FeatureLevel(channels, schedule.Reduction, $"stages.{stage}", x));
        }
        if (config.NumFeatures > 0)
        {
            x = config.RootConv(b, "final_conv", x, ChannelAttention.MakeDivisible(config.NumFeatures * config.WidthFactor), 1);
            levels[^1] = new FeatureLevel(x.Shape[0], schedule.Reduction, "final_conv", x);
        }
        else
        {
            x = b.Identity("final_conv", x);
        }
        x = Activate(b, config, "final_act", x);
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool)) with { Intermediates = null };
    }

    private static (Node Result, FeatureLevel Level) BuildStem(GraphBuilder b, Config config)
    {
        int width = ChannelAttention.MakeDivisible((config.StemChannels ?? config.Channels[0]) * config.WidthFactor);
        using (b.Scope("stem"))
        {
            if (config.Stem != Stem.DeepQuad)
            {
                Node conv = config.RootConv(b, "conv", b.Input, width, config.Stem == Stem.Conv3x3 ? 3 : 7, stride: 2);
                return (config.Stem == Stem.Conv3x3 ? conv : b.MaxPool2d("pool", conv, 3, stride: 2, padding: 1), new FeatureLevel(width, 2, "stem.conv", conv));
            }
            Node x = config.RootConv(b, "conv1", b.Input, width / 8, 3, stride: 2);
            x = config.RootConv(b, "conv2", Activate(b, config, "act2", x), width / 4, 3);
            Node level = x = config.RootConv(b, "conv3", Activate(b, config, "act3", x), width / 2, 3);
            x = Activate(b, config, "act4", x);
            // PyTorch's SiLU and ReLU write over their input, so that timm's feature of this convolution is the activated one.
            if (config.Act != UnaryKind.Gelu)
                level = x;
            return (config.RootConv(b, "conv4", x, width, 3, stride: 2), new FeatureLevel(width / 2, 2, "stem.conv3", level));
        }
    }

    /// <summary>An activation at the root of the model.</summary>
    private static Node Activate(GraphBuilder b, Config config, string name, Node x)
    {
        if (!config.DeepMind)
            return ActLayers.Timm(config.Act)(b, name, x);
        using (b.Scope(name))
            return b.Affine(b.Unary(x, config.Act, "gelu"), config.Gamma, target: "mul_");
    }

    /// <summary>
    /// A pre-activation bottleneck. FX does not look into it, so that all constant factors can stand where they cost nothing: beta and the activation's in the weights of the
    /// convolutions behind them, gains and alpha in one.
    /// </summary>
    private static Node Block(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        int width = ChannelAttention.MakeDivisible((config.Inverted ? x.Shape[0] : args.Channels) * args.BottleRatio);
        int groups = config.GroupSize == 0 ? 1 : width / config.GroupSize;
        if (config.GroupSize > 0)
            width = groups * config.GroupSize;
        ConvLayer conv = config.Conv(), first = config.Conv(args.Beta);

        Node shortcut = x, y = Act(x);
        if (x.Shape[0] != args.Channels || args.Stride != 1 || args.Dilation != args.FirstDilation)
        {
            using (b.Scope("downsample"))
                shortcut = first(b, "conv", DownsamplePool.Build(b, "pool", y, args.Stride, args.Dilation), args.Channels, 1);
        }
        y = first(b, "conv1", y, width, 1);
        y = conv(b, "conv2", Act(y), width, 3, args.Stride, args.FirstDilation, groups);
        if (config.ExtraConv)
            y = conv(b, "conv2b", Act(y), width, 3, 1, args.Dilation, groups);
        if (config.Inverted && config.Attention is { } middle)
            y = b.Affine(middle(b, "attn", y), config.AttentionGain);
        y = conv(b, "conv3", Act(y), args.Channels, 1);
        float scale = config.Alpha;
        if (!config.Inverted && config.Attention is { } last)
        {
            y = last(b, "attn_last", y);
            scale *= config.AttentionGain;
        }
        y = config.DeepMind ? b.Multiply(y, b.Reshape(b.Affine(b.Parameter("skipinit_gain", []), scale), [1, 1, 1])) : b.Affine(y, scale);
        return b.Add(y, shortcut);

        Node Act(Node x) => b.Act("act", x, config.Act);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["channels"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["alpha"] = (c, v) => c with { Alpha = v.GetSingle() },
        ["stem_type"] = (c, v) => c with { Stem = v.OneOf(("3x3", Stem.Conv3x3), ("7x7_pool", Stem.Conv7x7Pool), ("deep_quad", Stem.DeepQuad)) },
        ["stem_chs"] = (c, v) => c with { StemChannels = v.Number() },
        ["group_size"] = (c, v) => c with { GroupSize = v.GetInt32() },
        ["attn_gain"] = (c, v) => c with { AttentionGain = v.GetSingle() },
        ["width_factor"] = (c, v) => c with { WidthFactor = v.GetDouble() },
        ["bottle_ratio"] = (c, v) => c with { BottleRatio = v.GetDouble() },
        ["num_features"] = (c, v) => c with { NumFeatures = v.GetInt32() },
        ["extra_conv"] = (c, v) => c with { ExtraConv = v.GetBoolean() },
        ["reg"] = (c, v) => c with { Inverted = v.GetBoolean() },
        ["std_conv_eps"] = (c, v) => c with { Eps = v.GetSingle() },
        // timm has factors for these and for some that no network has.
        ["act_layer"] = (c, v) => c with { Act = v.OneOf(("gelu", UnaryKind.Gelu), ("relu", UnaryKind.Relu), ("silu", UnaryKind.Silu)) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["dm_nfnet_f0"] = DeepMind([1, 2, 6, 3]),
        ["dm_nfnet_f1"] = DeepMind([2, 4, 12, 6]),
        ["dm_nfnet_f2"] = DeepMind([3, 6, 18, 9]),
        ["dm_nfnet_f3"] = DeepMind([4, 8, 24, 12]),
        ["dm_nfnet_f4"] = DeepMind([5, 10, 30, 15]),
        ["dm_nfnet_f5"] = DeepMind([6, 12, 36, 18]),
        ["dm_nfnet_f6"] = DeepMind([7, 14, 42, 21]),
        ["nfnet_f0"] = F([1, 2, 6, 3]),
        ["nfnet_f1"] = F([2, 4, 12, 6]),
        ["nfnet_f2"] = F([3, 6, 18, 9]),
        ["nfnet_f3"] = F([4, 8, 24, 12]),
        ["nfnet_f4"] = F([5, 10, 30, 15]),
        ["nfnet_f5"] = F([6, 12, 36, 18]),
        ["nfnet_f6"] = F([7, 14, 42, 21]),
        ["nfnet_f7"] = F([8, 16, 48, 24]),
        ["nfnet_l0"] = Light([1, 2, 6, 3], SqueezeExcite(0.25f)) with { NumFeatures = 2304 },
        ["eca_nfnet_l0"] = Light([1, 2, 6, 3], s_eca) with { NumFeatures = 2304 },
        ["eca_nfnet_l1"] = Light([2, 4, 12, 6], s_eca),
        ["eca_nfnet_l2"] = Light([3, 6, 18, 9], s_eca),
        ["eca_nfnet_l3"] = Light([4, 8, 24, 12], s_eca),
        ["nf_regnet_b0"] = RegNet([1, 3, 6, 6], [48, 104, 208, 440]),
        ["nf_regnet_b1"] = RegNet([2, 4, 7, 7], [48, 104, 208, 440]),
        ["nf_regnet_b2"] = RegNet([2, 4, 8, 8], [56, 112, 232, 488]),
        ["nf_regnet_b3"] = RegNet([2, 5, 9, 9], [56, 128, 248, 528]),
        ["nf_regnet_b4"] = RegNet([2, 6, 11, 11], [64, 144, 288, 616]),
        ["nf_regnet_b5"] = RegNet([3, 7, 14, 14], [80, 168, 336, 704]),
        ["nf_resnet26"] = ResNet([2, 2, 2, 2]),
        ["nf_resnet50"] = ResNet([3, 4, 6, 3]),
        ["nf_resnet101"] = ResNet([3, 4, 23, 3]),
        ["nf_seresnet26"] = ResNet([2, 2, 2, 2], SqueezeExcite(1f / 16)),
        ["nf_seresnet50"] = ResNet([3, 4, 6, 3], SqueezeExcite(1f / 16)),
        ["nf_seresnet101"] = ResNet([3, 4, 23, 3], SqueezeExcite(1f / 16)),
        ["nf_ecaresnet26"] = ResNet([2, 2, 2, 2], s_eca),
        ["nf_ecaresnet50"] = ResNet([3, 4, 6, 3], s_eca),
        ["nf_ecaresnet101"] = ResNet([3, 4, 23, 3], s_eca),
        ["test_nfnet"] = Light([1, 1, 1, 1], SqueezeExcite(0.25f)) with { Channels = [32, 64, 96, 128], GroupSize = 8, NumFeatures = 192 },
    };

    private static readonly AttentionLayer s_eca = (b, name, x) => ChannelAttention.Eca(b, name, x);

    private static AttentionLayer SqueezeExcite(float ratio) => (b, name, x) => ChannelAttention.SqueezeExcite(b, name, x, ratio);

    private static Config F(ImmutableArray<int> depths) => new(depths) { NumFeatures = 3072, Attention = SqueezeExcite(0.5f) };

    private static Config DeepMind(ImmutableArray<int> depths) => F(depths) with { DeepMind = true };

    private static Config Light(ImmutableArray<int> depths, AttentionLayer attention)
        => new(depths) { GroupSize = 64, BottleRatio = 0.25, NumFeatures = 3072, Act = UnaryKind.Silu, Attention = attention };

    private static Config RegNet(ImmutableArray<int> depths, ImmutableArray<int> channels) => new(depths)
    {
        Channels = channels,
        Stem = Stem.Conv3x3,
        StemChannels = null,
        WidthFactor = 0.75,
        GroupSize = 8,
        BottleRatio = 2.25,
        NumFeatures = 1280 * channels[^1] / 440,
        ExtraConv = false,
        Inverted = true,
        Act = UnaryKind.Silu,
        Attention = SqueezeExcite(0.5f),
    };

    private static Config ResNet(ImmutableArray<int> depths, AttentionLayer? attention = null) => new(depths)
    {
        Channels = [256, 512, 1024, 2048],
        Stem = Stem.Conv7x7Pool,
        StemChannels = 64,
        GroupSize = 0,
        BottleRatio = 0.25,
        ExtraConv = false,
        Act = UnaryKind.Relu,
        Attention = attention,
    };
}
