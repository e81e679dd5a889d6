using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// MambaOut: gated convolutional blocks over channels-last maps <c>[H, W, C]</c>, which are also the levels of its pyramid.
/// timm: <c>mambaout.py</c>. Paper: MambaOut, https://arxiv.org/abs/2405.07992
/// </summary>
internal static class MambaOut
{
    private static readonly NormLayer s_norm = Norms.LayerNorm();

    /// <summary>What tells one variant from another: blocks and channels of the stages.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Widths)
    {
        /// <summary>timm's own plan: no norm in the stem, norms before the convolutions that halve the resolution, layer scales, another head.</summary>
        public bool IsRw { get; init; }

        /// <summary>Width of the gate and of what it gates, relative to the block's.</summary>
        public double ExpansionRatio { get; init; } = 8 / 3.0;

        /// <summary>Channels that are convolved, relative to the block's.</summary>
        public double ConvRatio { get; init; } = 1;

        public UnaryKind Act { get; init; } = UnaryKind.Gelu;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = Stem(b, config, b.Input);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, config, x, config.Widths[stage]);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = GatedConvBlock(b, config, x);
                }
            }
            levels.Add(new FeatureLevel(config.Widths[stage], 4 << stage, $"stages.{stage}", x));
        }
        (Node PreLogits, Node Logits) head = Head(b, config, x, options.NumClasses, options.GlobalPool);
        return BackboneGraph.OfLevels(b, levels, x, head) with
        {
            NumFeatures = config.Widths[^1],
            HeadHiddenSize = 4 * config.Widths[^1],
            LevelLayout = FeatureLayout.Nhwc,
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, FeatureLayout.Nhwc))],
        };
    }

    private static Node Stem(GraphBuilder b, Config config, Node x)
    {
        int width = config.Widths[0];
        using (b.Scope("stem"))
        {
            x = Conv3x3(b, "conv1", x, width / 2);
            x = config.IsRw ? x : ChannelsFirst(b, s_norm(b, "norm1", ChannelsLast(b, x)));
            return s_norm(b, "norm2", ChannelsLast(b, Conv3x3(b, "conv2", b.Act("act", x, config.Act), width)));
        }
    }

    private static Node Downsample(GraphBuilder b, Config config, Node x, int width)
    {
        using (b.Scope("downsample"))
        {
            x = config.IsRw ? s_norm(b, "norm", x) : x;
            x = ChannelsLast(b, Conv3x3(b, "conv", ChannelsFirst(b, x), width));
            return config.IsRw ? x : s_norm(b, "norm", x);
        }
    }

    private static Node GatedConvBlock(GraphBuilder b, Config config, Node x)
    {
        Node shortcut = x;
        int width = x.Shape[2], hidden = (int)(config.ExpansionRatio * width), convolved = (int)(config.ConvRatio * width);
        x = b.Linear("fc1", s_norm(b, "norm", x), 2 * hidden);
        Node gate = b.Slice(x, 2, 0, hidden);
        Node c = ChannelsFirst(b, b.Slice(x, 2, 2 * hidden - convolved, convolved));
        c = ChannelsLast(b, b.Conv2d("conv", c, convolved, 7, padding: 3, groups: convolved, bias: true));
        gate = b.Act("act", gate, config.Act);
        x = b.Linear("fc2", b.Multiply(gate, convolved == hidden ? c : b.Concat(2, [b.Slice(x, 2, hidden, hidden - convolved), c])), width);
        return b.Add(b.Identity("drop_path", LayerScale.Build(b, "ls", x, config.IsRw)), shortcut);
    }

    private static Node Conv3x3(GraphBuilder b, string name, Node x, int channels) => b.Conv2d(name, x, channels, 3, 2, 1, bias: true);

    private static Node ChannelsLast(GraphBuilder b, Node x) => b.Permute(x, [1, 2, 0]);

    private static Node ChannelsFirst(GraphBuilder b, Node x) => b.Permute(x, [2, 0, 1]);

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, int numClasses, string pool)
    {
        int hidden = 4 * x.Shape[2];
        if (config.IsRw)
            return ClassifierHeads.ChannelsLast(b, x, numClasses, pool, s_norm, hidden);
        using (b.Scope("head"))
        {
            x = s_norm(b, "norm", MeanPool.Build(b, x, pool, [0, 1]));
            using (b.Scope("pre_logits"))
                x = s_norm(b, "norm", b.Act("act", b.Linear("fc", x, hidden), UnaryKind.Gelu));
            x = b.Identity("head_dropout", x);
            return (x, Classifier.Fc(b, "fc", x, numClasses));
        }
    }

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config) => c.RenameMatches(
        (@"^downsample_layers\.0\.", "stem."),
        (@"^stages\.(\d+)\.(\d+)\.", "stages.$1.blocks.$2."),
        (@"^downsample_layers\.(\d+)\.", "stages.$1.downsample."),
        // Of the head's two norms theirs has the first outside.
        (@"^head\.norm\.", "head.pre_logits.norm."),
        (@"^norm\.", "head.norm."),
        (@"^head\.fc1\.", "head.pre_logits.fc."),
        (@"^head\.fc2\.", "head.fc."));

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["dims"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["conv_ratio"] = (c, v) => c with { ConvRatio = v.GetDouble() },
        ["expansion_ratio"] = (c, v) => c with { ExpansionRatio = v.GetDouble() },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["mambaout_femto"] = new([3, 3, 9, 3], [48, 96, 192, 288]),
        ["mambaout_kobe"] = new([3, 3, 15, 3], [48, 96, 192, 288]),
        ["mambaout_tiny"] = new([3, 3, 9, 3], [96, 192, 384, 576]),
        ["mambaout_small"] = new([3, 4, 27, 3], [96, 192, 384, 576]),
        ["mambaout_base"] = new([3, 4, 27, 3], [128, 256, 512, 768]),
        ["mambaout_small_rw"] = new([3, 4, 27, 3], [96, 192, 384, 576]) { IsRw = true },
        ["mambaout_base_short_rw"] = new([3, 3, 25, 3], [128, 256, 512, 768]) { IsRw = true, ExpansionRatio = 3, ConvRatio = 1.25 },
        ["mambaout_base_tall_rw"] = new([3, 4, 30, 3], [128, 256, 512, 768]) { IsRw = true, ExpansionRatio = 2.5, ConvRatio = 1.25 },
        ["mambaout_base_wide_rw"] = new([3, 4, 27, 3], [128, 256, 512, 768]) { IsRw = true, ExpansionRatio = 3, ConvRatio = 1.5, Act = UnaryKind.Silu },
        ["mambaout_base_plus_rw"] = new([3, 4, 30, 3], [128, 256, 512, 768]) { IsRw = true, ExpansionRatio = 3, ConvRatio = 1.5, Act = UnaryKind.Silu },
        ["test_mambaout"] = new([1, 1, 3, 1], [16, 32, 48, 64]) { IsRw = true, ExpansionRatio = 3, Act = UnaryKind.Silu },
    };
}
