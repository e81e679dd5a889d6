using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// RDNet: DenseNet's joining of maps with ConvNeXt's blocks.
/// timm: <c>rdnet.py</c>. Paper: DenseNets Reloaded, https://arxiv.org/abs/2403.19588
/// </summary>
internal static class RDNet
{
    private const int BlocksPerStage = 3;

    private static readonly NormLayer s_norm = Norms.LayerNorm2d();

    /// <summary>What tells one variant from another: channels of the stem, what each stage's blocks add to them, and the stages that halve the resolution.</summary>
    internal sealed record Config(int Stem, ImmutableArray<int> Growth, ImmutableArray<int> Downsampled)
    {
        /// <summary>Width within a block, relative to its input's.</summary>
        public double BottleneckRatio { get; init; } = 4;

        /// <summary>The part of the channels that is left between stages.</summary>
        public double CompressionRatio { get; init; } = 0.5;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = s_norm(b, "stem.1", b.Conv2d("stem.0", b.Input, config.Stem, 4, 4, bias: true));
        var levels = new List<FeatureLevel>();
        int reduction = 4;
        for (int stage = 0; stage < config.Growth.Length; stage++)
        {
            using (b.Scope($"dense_stages.{stage}"))
            {
                if (stage > 0)
                {
                    int stride = config.Downsampled.Contains(stage) ? 2 : 1;
                    reduction *= stride;
                    x = b.Conv2d("1", s_norm(b, "0", x), (int)(x.Shape[0] * config.CompressionRatio / 8) * 8, stride, stride, bias: true);
                }
                using (b.Scope(stage > 0 ? "2" : "0"))
                    x = DenseStage(b, config, x, config.Growth[stage], squeezes: stage >= 2);
            }
            if (stage == config.Growth.Length - 1 || config.Downsampled.Contains(stage + 1))
                levels.Add(new FeatureLevel(x.Shape[0], reduction, $"dense_stages.{stage}", x));
        }
        Node features = b.Identity("norm_pre", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.PoolNormMlp(b, features, options.NumClasses, options.GlobalPool, s_norm, hidden: null, ActLayers.Torch(UnaryKind.Tanh)));
    }

    private static Node DenseStage(GraphBuilder b, Config config, Node x, int growth, bool squeezes)
    {
        var maps = new List<Node> { x };
        for (int i = 0; i < BlocksPerStage; i++)
        {
            using (b.Scope($"dense_block{i}"))
                maps.Add(DenseBlock(b, config, b.Concat(0, [.. maps]), growth, squeezes));
        }
        return b.Concat(0, [.. maps]);
    }

    private static Node DenseBlock(GraphBuilder b, Config config, Node x, int growth, bool squeezes)
    {
        int channels = x.Shape[0];
        using (b.Scope("layers.layers"))
        {
            x = s_norm(b, "1", b.Conv2d("0", x, channels, 7, padding: 3, groups: channels, bias: true));
            x = ActLayers.Timm(UnaryKind.Gelu)(b, "3", b.Conv2d("2", x, (int)(channels * config.BottleneckRatio / 8) * 8, 1, bias: true));
            x = b.Conv2d("4", x, growth, 1, bias: true);
            x = squeezes ? ChannelAttention.EffectiveSqueezeExcite(b, "5", x) : x;
        }
        return b.Multiply(x, b.Reshape(b.Parameter("gamma", [growth]), [growth, 1, 1]));
    }

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config) => c.Rename(("stem.stem.", "stem."));

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["growth_rates"] = (c, v) => c with { Growth = v.PerStage(c.Growth.Length) },
        ["is_downsample_block"] = (c, v) => c with { Downsampled = [.. v.StagesWith(c.Growth.Length).Where(stage => stage > 0)] },
        ["bottleneck_width_ratio"] = (c, v) => c with { BottleneckRatio = v.GetDouble() },
        ["transition_compression_ratio"] = (c, v) => c with { CompressionRatio = v.GetDouble() is var r and > 0 and <= 1 ? r : throw new ArgumentValueException("above 0 and at most 1") },
        ["num_init_features"] = (c, v) => c with { Stem = v.GetInt32() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["rdnet_tiny"] = new(64, [64, 104, 128, 128, 128, 128, 224], [1, 2, 6]),
        ["rdnet_small"] = new(72, [64, 128, 128, 128, 128, 128, 128, 128, 128, 240, 240], [1, 2, 9]),
        ["rdnet_base"] = new(120, [96, 128, 168, 168, 168, 168, 168, 168, 168, 336, 336], [1, 2, 9]),
        ["rdnet_large"] = new(144, [128, 192, 256, 256, 256, 256, 256, 256, 256, 256, 360, 360], [1, 2, 10]),
    };
}
