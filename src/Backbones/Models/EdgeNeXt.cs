using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EdgeNeXt: ConvNeXt's blocks with growing kernels, and at the end of each later stage one that splits the channels over several scales and lets them attend to each other.
/// timm: <c>edgenext.py</c>. Paper: EdgeNeXt, https://arxiv.org/abs/2206.10589
/// </summary>
internal static class EdgeNeXt
{
    private const float NormEps = 1e-6f;

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels, int Heads = 8)
    {
        /// <summary>Heads stage by stage.</summary>
        public ImmutableArray<int> StageHeads { get; init; } = [.. Depths.Select(_ => Heads)];

        /// <summary>How many of a stage's last blocks attend.</summary>
        public ImmutableArray<int> AttentionBlocks { get; init; } = [0, 1, 1, 1];

        /// <summary>The stages whose attention knows places.</summary>
        public ImmutableArray<int> PositionStages { get; init; } = [1];

        public double MlpRatio { get; init; } = 4;

        /// <summary>Kernel of each stage's convolutions.</summary>
        public ImmutableArray<int> Kernels { get; init; } = [3, 5, 7, 9];

        /// <summary>Parts of the channels in each stage's attention block.</summary>
        public ImmutableArray<int> Scales { get; init; } = [2, 2, 3, 4];

        /// <summary>The stem is a 9×9 convolution and no patch of 4×4.</summary>
        public bool OverlapStem { get; init; }

        /// <summary>A stage's first block has its stride, and no convolution before it.</summary>
        public bool DownsampleBlock { get; init; }

        public bool ConvBias { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("stem"))
        {
            x = b.Conv2d("0", b.Input, config.Channels[0], config.OverlapStem ? 9 : 4, stride: 4, padding: config.OverlapStem ? 4 : 0, bias: config.ConvBias);
            x = MapNorm(b, "1", x);
        }
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
                x = Stage(b, config, x, stage);
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }
        Node features = b.Identity("norm_pre", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.PoolNormMlp(b, features, options.NumClasses, options.GlobalPool, MapNorm, null, Gelu));
    }

    private static Node Stage(GraphBuilder b, Config config, Node x, int stage)
    {
        int channels = config.Channels[stage], depth = config.Depths[stage], attentionBlocks = config.AttentionBlocks[stage];
        if (stage == 0 || config.DownsampleBlock)
        {
            x = b.Identity("downsample", x);
        }
        else
        {
            using (b.Scope("downsample"))
                x = b.Conv2d("1", MapNorm(b, "0", x), channels, 2, stride: 2, bias: config.ConvBias);
        }
        for (int i = 0; i < depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
            {
                x = i < depth - attentionBlocks
                    ? ConvBlock(b, config, x, channels, config.Kernels[stage], stride: config.DownsampleBlock && stage > 0 && i == 0 ? 2 : 1)
                    : SplitTransposeBlock(b, config, x, stage);
            }
        }
        return x;
    }

    private static Node ConvBlock(GraphBuilder b, Config config, Node x, int channels, int kernel, int stride)
    {
        Node shortcut = x;
        bool changes = stride > 1 || x.Shape[0] != channels;
        x = Conv2dPadding.Conv2d(b, "conv_dw", x, channels, kernel, PadType.Symmetric, stride, groups: x.Shape[0], bias: config.ConvBias);
        if (changes)
            shortcut = x;
        return b.Add(shortcut, Perceptron(b, config, b.Permute(x, [1, 2, 0])));
    }

    /// <summary>Depthwise convolutions one behind another, each over a further part of the channels; then attention of the channels and a perceptron.</summary>
    private static Node SplitTransposeBlock(GraphBuilder b, Config config, Node x, int stage)
    {
        int scales = config.Scales[stage];
        bool positions = config.PositionStages.Contains(stage);
        Node shortcut = x, part = x;
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int width = (channels + scales - 1) / scales;
        var parts = new List<Node>();
        for (int i = 0; i < scales - 1; i++)
        {
            Node next = b.Slice(x, 0, i * width, width);
            part = i == 0 ? next : b.Add(part, next);
            part = b.Conv2d($"convs.{i}", part, width, 3, padding: 1, groups: width, bias: config.ConvBias);
            parts.Add(part);
        }
        x = b.Concat(0, [.. parts, b.Slice(x, 0, (scales - 1) * width, channels - (scales - 1) * width)]);

        x = b.Permute(b.Reshape(x, [channels, h * w]), [1, 0]);
        if (positions)
            x = b.Add(x, FourierPositionEmbedding.Build(b, "pos_embd", (h, w), channels));
        Node gamma = b.Parameter("gamma_xca", [channels]);
        // FX counts the product of height and width among the names.
        Node y = b.Multiply(gamma, CrossCovarianceAttention.Build(b, "xca", b.LayerNorm("norm_xca", x, NormEps), config.StageHeads[stage]), "mul_1");
        x = b.Reshape(b.Add(x, b.Identity("drop_path", y)), [h, w, channels]);
        return b.Add(shortcut, Perceptron(b, config, x, "mul_2", positions ? "permute_2" : null));
    }

    /// <summary>Norm, perceptron and layer scale of a channels-last map <c>[H, W, C]</c> → <c>[C, H, W]</c>.</summary>
    private static Node Perceptron(GraphBuilder b, Config config, Node x, string product = "mul", string? permutation = null)
    {
        int channels = x.Shape[^1];
        x = Mlp.Build(b, "mlp", b.LayerNorm("norm", x, NormEps), (int)(config.MlpRatio * channels), Gelu);
        x = b.Multiply(b.Parameter("gamma", [channels]), x, product);
        return b.Identity("drop_path", b.Permute(x, [2, 0, 1], permutation ?? "permute"));
    }

    private static NormLayer MapNorm { get; } = Norms.LayerNorm2d(NormEps);

    private static ActLayer Gelu { get; } = ActLayers.Torch(UnaryKind.Gelu);

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(("downsample_layers.0.", "stem."));
        c.RenameMatches((@"^stages\.(\d+)\.(?=\d)", "stages.$1.blocks."), (@"^downsample_layers\.(\d+)\.", "stages.$1.downsample."), (@"^head\.", "head.fc."), (@"^norm\.", "head.norm."));
        c.Rename(("dwconv", "conv_dw"), ("pwconv", "mlp.fc"));
        c.TakeModelShapes();
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["kernel_sizes"] = (c, v) => c with { Kernels = v.PerStage(c.Kernels.Length) },
        ["global_block_counts"] = (c, v) => c with { AttentionBlocks = v.PerStage(c.AttentionBlocks.Length) },
        ["heads"] = (c, v) => c with { StageHeads = v.PerStage(c.StageHeads.Length) },
        ["d2_scales"] = (c, v) => c with { Scales = v.PerStage(c.Scales.Length) },
        ["use_pos_emb"] = (c, v) => c with { PositionStages = v.StagesWith(c.Depths.Length) },
        ["expand_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["downsample_block"] = (c, v) => c with { DownsampleBlock = v.GetBoolean() },
        ["conv_bias"] = (c, v) => c with { ConvBias = v.GetBoolean() },
        ["stem_type"] = (c, v) => c with { OverlapStem = v.OneOf(("patch", false), ("overlap", true)) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["edgenext_xx_small"] = new([2, 2, 6, 2], [24, 48, 88, 168], Heads: 4),
        ["edgenext_x_small"] = new([3, 3, 9, 3], [32, 64, 100, 192], Heads: 4),
        ["edgenext_small"] = new([3, 3, 9, 3], [48, 96, 160, 304]),
        ["edgenext_base"] = new([3, 3, 9, 3], [80, 160, 288, 584]),
        ["edgenext_small_rw"] = new([3, 3, 9, 3], [48, 96, 192, 384]) { DownsampleBlock = true, ConvBias = false, OverlapStem = true },
    };
}
