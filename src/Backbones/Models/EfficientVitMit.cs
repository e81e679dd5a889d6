using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EfficientViT (MIT): inverted residual convolutions and linear attention over several scales.
/// timm: <c>efficientvit_mit.py</c>. Paper: EfficientViT: Multi-Scale Linear Attention for High-Resolution Dense Prediction, https://arxiv.org/abs/2205.14756
/// </summary>
internal static class EfficientVitMit
{
    /// <summary>What tells one variant from another; the defaults are those of the B models.</summary>
    /// <param name="Channels">Channels of the stem and of each stage.</param>
    /// <param name="Depths">Blocks of the stem and of each stage.</param>
    /// <param name="HeadDim">Length of a query, a key and a value.</param>
    /// <param name="HeadWidths">Widths of the classifier's two hidden layers.</param>
    internal sealed record Config(ImmutableArray<int> Channels, ImmutableArray<int> Depths, int HeadDim, (int First, int Second) HeadWidths)
    {
        /// <summary>Full convolutions in the stem and the first two stages, attention in the last alone (the L models).</summary>
        public bool Large { get; init; }

        public ActLayer Act => Large ? ActLayers.Timm(UnaryKind.GeluTanh) : ActLayers.Torch(UnaryKind.HardSwish);

        public float NormEps => Large ? 1e-7f : 1e-5f;

        public NormLayer Norm => Norms.BatchNormWith(NormEps);
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = Stem(b, config);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Channels.Length - 1; stage++)
        {
            using (b.Scope($"stages.{stage}"))
                x = config.Large ? LargeStage(b, config, x, stage) : Stage(b, config, x, stage);
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, config, x, options)) with { HeadHiddenSize = config.HeadWidths.Second };
    }

    private static Node Stem(GraphBuilder b, Config config)
    {
        int channels = config.Channels[0];
        using (b.Scope("stem"))
        {
            Node x = Conv(b, "in_conv", b.Input, channels, 3, stride: 2, norm: config.Norm, act: config.Act);
            for (int i = 0; i < config.Depths[0]; i++)
                x = Residual(b, $"res{i}", x, y => config.Large ? ConvBlock(b, config, y, channels) : SeparableBlock(b, config, y, channels));
            return x;
        }
    }

    private static Node Stage(GraphBuilder b, Config config, Node x, int stage)
    {
        (int channels, int depth) = (config.Channels[stage + 1], config.Depths[stage + 1]);
        bool attends = stage >= 2;
        x = Residual(b, "blocks.0", x, y => InvertedBlock(b, config, y, channels, stride: 2, expansion: 4, fewerNorms: attends), shortcut: false);
        for (int i = 1; i < (attends ? depth + 1 : depth); i++)
            x = attends ? AttentionBlock(b, config, $"blocks.{i}", x, expansion: 4) : Residual(b, $"blocks.{i}", x, y => InvertedBlock(b, config, y, channels, stride: 1, expansion: 4, fewerNorms: false));
        return x;
    }

    private static Node LargeStage(GraphBuilder b, Config config, Node x, int stage)
    {
        int channels = config.Channels[stage + 1];
        bool fused = stage < 2, attends = stage == 3;
        x = Residual(b, "blocks.0", x, y => Local(y, stride: 2, expansion: attends ? 24 : 16), shortcut: false);
        for (int i = 1; i <= config.Depths[stage + 1]; i++)
            x = attends ? AttentionBlock(b, config, $"blocks.{i}", x, expansion: 6) : Residual(b, $"blocks.{i}", x, y => Local(y, stride: 1, expansion: 4));
        return x;

        Node Local(Node y, int stride, int expansion)
            => fused ? FusedBlock(b, config, y, channels, stride, expansion) : InvertedBlock(b, config, y, channels, stride, expansion, fewerNorms: true);
    }

    private static Node AttentionBlock(GraphBuilder b, Config config, string name, Node x, int expansion)
    {
        using (b.Scope(name))
        {
            x = Residual(b, "context_module", x, y => b.Leaf("", () => LinearAttention(b, config, y)));
            return Residual(b, "local_module", x, y => InvertedBlock(b, config, y, y.Shape[0], stride: 1, expansion, fewerNorms: true));
        }
    }

    private static Node Residual(GraphBuilder b, string name, Node x, Func<Node, Node> main, bool shortcut = true)
    {
        using (b.Scope(name))
        {
            Node y = b.Identity("pre_norm", x);
            using (b.Scope("main"))
                y = main(y);
            return shortcut ? b.Add(y, b.Identity("shortcut", x)) : y;
        }
    }

    // DSConv
    private static Node SeparableBlock(GraphBuilder b, Config config, Node x, int channels)
    {
        x = Conv(b, "depth_conv", x, x.Shape[0], 3, groups: x.Shape[0], norm: config.Norm, act: config.Act);
        return Conv(b, "point_conv", x, channels, 1, norm: config.Norm);
    }

    private static Node ConvBlock(GraphBuilder b, Config config, Node x, int channels)
        => Conv(b, "conv2", Conv(b, "conv1", x, x.Shape[0], 3, norm: config.Norm, act: config.Act), channels, 3, norm: config.Norm);

    // MBConv
    private static Node InvertedBlock(GraphBuilder b, Config config, Node x, int channels, int stride, int expansion, bool fewerNorms)
    {
        NormLayer? norm = fewerNorms ? null : config.Norm;
        int hidden = x.Shape[0] * expansion;
        x = Conv(b, "inverted_conv", x, hidden, 1, bias: fewerNorms, norm: norm, act: config.Act);
        x = Conv(b, "depth_conv", x, hidden, 3, stride, groups: hidden, bias: fewerNorms, norm: norm, act: config.Act);
        return Conv(b, "point_conv", x, channels, 1, norm: config.Norm);
    }

    // FusedMBConv
    private static Node FusedBlock(GraphBuilder b, Config config, Node x, int channels, int stride, int expansion)
    {
        x = Conv(b, "spatial_conv", x, x.Shape[0] * expansion, 3, stride, norm: config.Norm, act: config.Act);
        return Conv(b, "point_conv", x, channels, 1, norm: config.Norm);
    }

    /// <summary>
    /// LiteMLA: queries, keys and values of pixels and of their neighbourhoods; attention by ReLU in place of softmax, so that keys and values are summed once for all queries.
    /// FX does not look into it.
    /// </summary>
    private static Node LinearAttention(GraphBuilder b, Config config, Node x)
    {
        const float eps = 1e-5f;
        (int channels, int h, int w, int d) = (x.Shape[0], x.Shape[1], x.Shape[2], config.HeadDim);
        int heads = channels / d, width = 3 * heads * d;
        Node qkv = Conv(b, "qkv", x, width, 1);
        Node wide = b.Conv2d("aggreg.0.1", b.Conv2d("aggreg.0.0", qkv, width, 5, padding: 2, groups: width), width, 1, groups: 3 * heads);
        qkv = b.Reshape(b.Concat(0, [qkv, wide]), [2 * heads, 3 * d, h * w]);
        Node q = b.Unary(b.Slice(qkv, 1, 0, d), UnaryKind.Relu, "q"), k = b.Unary(b.Slice(qkv, 1, d, d), UnaryKind.Relu, "k"), v = b.Slice(qkv, 1, 2 * d, d);
        Node sums = b.MatMul(b.MatMul(v, k, transposeB: true), q);
        Node weights = b.MatMul(b.Reshape(b.Reduce(k, ReduceKind.Sum, [2]), [2 * heads, 1, d]), q);
        x = b.Reshape(b.Divide(sums, b.Affine(weights, 1, eps, "add")), [2 * heads * d, h, w]);
        return Conv(b, "proj", x, channels, 1, norm: config.Norm);
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        GlobalPool.RequireChannels(options.GlobalPool, config.HeadWidths.First, unpooled: false);
        using (b.Scope("head"))
        {
            x = Conv(b, "in_conv", x, config.HeadWidths.First, 1, norm: Norms.BatchNorm, act: config.Act);
            x = GlobalPool.Pool(b, "global_pool", x, options.GlobalPool, flatten: true);
            using (b.Scope("classifier"))
            {
                x = b.LayerNorm("1", b.Linear("0", x, config.HeadWidths.Second, bias: false), config.NormEps);
                x = b.Identity("3", config.Act(b, "2", x));
                return (x, Classifier.Fc(b, "4", x, options.NumClasses));
            }
        }
    }

    private static Node Conv(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1, bool bias = false, NormLayer? norm = null, ActLayer? act = null)
    {
        using (b.Scope(name))
        {
            x = Conv2dPadding.Conv2d(b, "conv", b.Identity("dropout", x), channels, kernel, PadType.Symmetric, stride, groups: groups, bias: bias);
            x = Norms.OrIdentity(norm)(b, "norm", x);
            return act is null ? b.Identity("act", x) : act(b, "act", x);
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["widths"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["head_dim"] = (c, v) => c with { HeadDim = v.GetInt32() },
        ["head_widths"] = (c, v) => c with { HeadWidths = v.Pair() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["efficientvit_b0"] = new([8, 16, 32, 64, 128], [1, 2, 2, 2, 2], 16, (1024, 1280)),
        ["efficientvit_b1"] = new([16, 32, 64, 128, 256], [1, 2, 3, 3, 4], 16, (1536, 1600)),
        ["efficientvit_b2"] = new([24, 48, 96, 192, 384], [1, 3, 4, 4, 6], 32, (2304, 2560)),
        ["efficientvit_b3"] = new([32, 64, 128, 256, 512], [1, 4, 6, 6, 9], 32, (2304, 2560)),
        ["efficientvit_l1"] = new([32, 64, 128, 256, 512], [1, 1, 1, 6, 6], 32, (3072, 3200)) { Large = true },
        ["efficientvit_l2"] = new([32, 64, 128, 256, 512], [1, 2, 2, 8, 8], 32, (3072, 3200)) { Large = true },
        ["efficientvit_l3"] = new([64, 128, 256, 512, 1024], [1, 2, 2, 8, 8], 32, (6144, 6400)) { Large = true },
    };
}
