using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CPUBone: grouped convolutions with few multiplications, and attention over maps of half the size.
/// timm: <c>cpubone.py</c>. Paper: CPUBone (CVPR Findings 2026), code at https://github.com/altair199797/CPUBone
/// </summary>
internal static partial class CPUBone
{
    private const int ExpandGroups = 2, ExpandRatio = 4, MlpRatio = 4;

    /// <summary>What tells one variant from another: channels and blocks of the stem and the four stages.</summary>
    internal sealed record Config(ImmutableArray<int> Widths, ImmutableArray<int> Depths)
    {
        /// <summary>Widths of the head's two layers.</summary>
        public (int Conv, int Linear) Head { get; init; } = (1536, 1600);

        public int StemRatio { get; init; } = 2;

        /// <summary>Width inside the blocks that halve the resolution, relative to their input.</summary>
        public int DownsampleRatio { get; init; } = ExpandRatio;

        /// <summary>How many of the last of an unfused block's three convolutions have a batch norm; the others have a bias.</summary>
        public int NormedConvs { get; init; } = 1;

        /// <summary>The blocks drop paths in training, by a module that FX looks through.</summary>
        public bool DropPath { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ConvLayer(b, "stem.0", b.Input, config.Widths[0], 3, stride: 2);
        for (int i = 0; i < config.Depths[0]; i++)
            x = Residual(b, config, $"stem.{i + 1}", x, y => FusedMbConv(b, y, x.Shape[0], 3, 1, config.StemRatio), isFirst: i == 0);

        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < 4; stage++)
        {
            (int width, int depth) = (config.Widths[stage + 1], config.Depths[stage + 1]);
            bool attends = stage >= 2;
            using (b.Scope($"stages.{stage}"))
            {
                using (b.Scope("0.main"))
                    x = FusedMbConv(b, x, width, 3, 2, config.DownsampleRatio);
                // In the attention stages the halving comes on top of the blocks.
                for (int i = 1; i < depth + (attends ? 1 : 0); i++)
                    x = attends ? Block(b, config, $"{i}.total", x, attentionStride: stage == 2 ? 2 : 1) : Residual(b, config, $"{i}", x, y => FusedMbConv(b, y, width, 3, 1, ExpandRatio));
            }
            levels.Add(new FeatureLevel(width, 4 << stage, $"stages.{stage}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, config, x, options.NumClasses, options.GlobalPool)) with { HeadHiddenSize = config.Head.Linear };
    }

    /// <summary>Attention, a perceptron and a local convolution, each added to its input.</summary>
    private static Node Block(GraphBuilder b, Config config, string name, Node x, int attentionStride)
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            x = Residual(b, config, "0.0", x, y => ConvAttention(b, "1", Norms.GroupNorm1(b, "0", y), attentionStride));
            x = Residual(b, config, "0.1", x, y =>
            {
                y = b.Act("2", b.Conv2d("1", Norms.GroupNorm1(b, "0", y), channels * MlpRatio, 1, bias: true), UnaryKind.Gelu);
                return b.Identity("4", b.Conv2d("3", y, channels, 1, bias: true));
            });
            return Residual(b, config, "1", x, y => channels < 256 ? FusedMbConv(b, y, channels, 2, 1, ExpandRatio, bias: true) : MbConv(b, config, y));
        }
    }

    private static Node Residual(GraphBuilder b, Config config, string name, Node x, Func<Node, Node> main, bool isFirst = false)
    {
        using (b.Scope(name))
        {
            Node y;
            using (b.Scope("main"))
                y = main(x);
            // The first block of all is never dropped.
            y = config.DropPath && !isFirst ? y : b.Identity("drop_path", y);
            return b.Add(y, b.Identity("shortcut", x));
        }
    }

    private static Node FusedMbConv(GraphBuilder b, Node x, int channels, int kernel, int stride, int ratio, bool bias = false)
        => ConvLayer(b, "point_conv", ConvLayer(b, "spatial_conv", x, ratio * x.Shape[0], kernel, stride, ExpandGroups, bias), channels, 1, act: false);

    private static Node MbConv(GraphBuilder b, Config config, Node x)
    {
        (int channels, int hidden) = (x.Shape[0], ExpandRatio * x.Shape[0]);
        x = Conv("inverted_conv", x, hidden, 1, ExpandGroups, normed: config.NormedConvs > 2);
        x = Conv("depth_conv", x, hidden, 2, hidden, normed: config.NormedConvs > 1);
        return ConvLayer(b, "point_conv", x, channels, 1, act: false);

        Node Conv(string name, Node y, int outChannels, int kernel, int groups, bool normed) => ConvLayer(b, name, y, outChannels, kernel, groups: groups, bias: !normed, norm: normed);
    }

    private static Node ConvLayer(
        GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1, bool bias = false, bool norm = true, bool act = true)
    {
        using (b.Scope(name))
        {
            // A 2×2 window keeps the size with one more row and column, before the first.
            x = (kernel, stride) == (2, 1)
                ? b.Conv2d("conv.1", b.Pad2d(x, new Padding(1, 1, 0, 0), target: "conv.0"), channels, 2, groups: groups, bias: bias)
                : b.Conv2d("conv", x, channels, kernel, stride, kernel == 2 ? 0 : kernel / 2, groups: groups, bias: bias);
            x = norm ? b.BatchNorm("norm", x) : x;
            return act ? b.Act("act", x, UnaryKind.HardSwish) : x;
        }
    }

    private static Node ConvAttention(GraphBuilder b, string name, Node x, int stride) => b.Leaf(name, () =>
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        // Half of the channels are attended, in heads of about 15.
        int heads = Math.Max(1, channels / 2 / 30), headWidth = channels / heads / 2;
        Node y = stride > 1 && (h % stride, w % stride) != (0, 0) ? b.Pad2d(x, new Padding(0, 0, h % stride, w % stride)) : x;
        y = b.Conv2d("pwise", ConvLayer(b, "conv_proj", y, channels, 2, stride, groups: channels, act: false), 3 * heads * headWidth, 1);
        (int mapHeight, int mapWidth) = (y.Shape[1], y.Shape[2]);
        Node qkv = b.Permute(b.Reshape(y, [heads, 3 * headWidth, mapHeight * mapWidth]), [0, 2, 1]);
        Node Part(int i) => b.Slice(qkv, 2, i * headWidth, headWidth);
        y = b.Reshape(b.Permute(b.Attention(Part(0), Part(1), Part(2)), [0, 2, 1]), [heads * headWidth, mapHeight, mapWidth]);
        y = b.Conv2d("upsampling.0", y, channels, 1, bias: true);
        y = stride > 1 ? b.Resize(y, stride * mapHeight, stride * mapWidth, ResizeMode.Nearest) : y;
        return b.Slice(b.Slice(y, 1, 0, h), 2, 0, w);
    });

    /// <summary>Convolution, pool, linear layer, classifier; without pooling the linear layers are over the channels of a map.</summary>
    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, int numClasses, string pool)
    {
        GlobalPool.Require(pool, "avg", "");
        bool pools = pool.Length > 0;
        using (b.Scope("head"))
        {
            x = ConvLayer(b, "in_conv", x, config.Head.Conv, 1);
            x = pools ? b.Module("global_pool", new ReduceOp(ReduceKind.Mean, [1, 2], KeepDims: true), x) : b.Identity("global_pool", x);
            x = GlobalPool.Flatten(b, x, pool);
            x = pools ? x : b.Permute(x, [1, 2, 0]);
            using (b.Scope("pre_classifier"))
                x = b.Act("act", b.LayerNorm("norm", b.Linear("linear", x, config.Head.Linear, bias: false)), UnaryKind.HardSwish);
            Node logits = numClasses > 0 ? b.Linear("classifier.linear", x, numClasses) : b.Identity("classifier", x);
            return pools ? (x, logits) : (b.Permute(x, [2, 0, 1]), b.Permute(logits, [2, 0, 1]));
        }
    }

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(
            (".conv_proj.0.", ".conv_proj.conv."), (".conv_proj.1.", ".conv_proj.norm."), (".pwise.0.", ".pwise."),
            ("head.op_list.0.", "head.in_conv."), ("head.op_list.2.", "head.pre_classifier."), ("head.op_list.3.", "head.classifier."),
            ("backbone.input_stem.", "stem."), ("backbone.stages.", "stages."), (".op_list.", "."));
        if (config.NormedConvs < 3)
            return;
        // Theirs have biases before the norms too, which come to the same as another mean.
        foreach (string key in c.Keys.Where(k => OwnBias().IsMatch(k)).ToList())
        {
            string mean = OwnBias().Replace(key, "$1.norm.running_mean");
            Node bias = c.Pop(key);
            if (c.Has(mean))
                c[mean] = c.Ops.Subtract(c[mean], bias);
        }
    }

    [GeneratedRegex(@"(\.(?:inverted_conv|depth_conv))\.conv(?:\.1)?\.bias$")]
    private static partial Regex OwnBias();

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["width_list"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["depth_list"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["head_widths"] = (c, v) => c with { Head = v.Pair() },
        ["stem_expand_ratio"] = (c, v) => c with { StemRatio = v.Number() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["cpubone_nano"] = new([12, 24, 48, 96, 192], [0, 1, 1, 1, 2]),
        ["cpubone_t0"] = new([12, 24, 48, 96, 192], [0, 1, 1, 2, 3]),
        ["cpubone_s0"] = new([14, 28, 56, 112, 224], [0, 1, 1, 2, 3]),
        ["cpubone_b0_bfrobust"] = new([16, 32, 64, 128, 256], [0, 1, 1, 3, 4]) { NormedConvs = 3 },
        ["cpubone_b1_bfrobust"] = new([16, 32, 64, 128, 256], [0, 1, 1, 5, 5]) { DownsampleRatio = 6, NormedConvs = 3 },
        ["cpubone_b1_dwnorm"] = new([16, 32, 64, 128, 256], [0, 1, 1, 5, 5]) { DownsampleRatio = 6, NormedConvs = 2 },
        ["cpubone_b2_bfrobust"] = new([20, 40, 80, 160, 320], [0, 1, 1, 6, 6]) { Head = (2304, 2560), DownsampleRatio = 6, NormedConvs = 3, DropPath = true },
        ["cpubone_b2pt5_dwnorm"] = new([24, 48, 96, 192, 384], [0, 1, 1, 6, 6]) { Head = (2304, 2560), DownsampleRatio = 6, NormedConvs = 2 },
        ["cpubone_b3"] = new([32, 64, 128, 256, 512], [1, 2, 3, 6, 6]) { StemRatio = 4, DownsampleRatio = 6 },
    };
}
