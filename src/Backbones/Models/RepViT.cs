using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// RepViT: a mobile network with the plan of light vision transformers, whose depthwise branches can be merged into one convolution.
/// timm: <c>repvit.py</c>. Paper: RepViT, https://arxiv.org/abs/2307.09283
/// </summary>
internal static class RepViT
{
    /// <summary>What tells one variant from another: channels and blocks of the stages.</summary>
    internal sealed record Config(ImmutableArray<int> Widths, ImmutableArray<int> Depths)
    {
        /// <summary>Each depthwise branch has a batch norm, and their sum has none (the first models).</summary>
        public bool Legacy { get; init; }

        public int MlpRatio { get; init; } = 2;

        public int Kernel { get; init; } = 3;

        /// <summary>A second classifier that learned from a teacher.</summary>
        public bool Distilled { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("stem"))
        {
            x = ConvNorm.Build(b, "conv1", b.Input, config.Widths[0] / 2, 3, stride: 2);
            x = ConvNorm.Build(b, "conv2", b.Act("act1", x, UnaryKind.Gelu), config.Widths[0], 3, stride: 2);
        }
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Widths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, config, x, config.Widths[stage]);
                for (int i = 0; i < config.Depths[stage]; i++)
                    x = Block(b, config, $"blocks.{i}", x, squeezes: i % 2 == 0);
            }
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }
        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
        Node pooled = b.Identity("head_drop", MeanPool.Build(b, x, options.GlobalPool, [1, 2]));
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Head(b, config, pooled, options.NumClasses)));
    }

    private static Node Head(GraphBuilder b, Config config, Node x, int numClasses)
    {
        using (b.Scope("head"))
        {
            x = b.Identity("head_drop", x);
            return config.Distilled ? DistilledHead.Build(b, Classifier) : Classifier("head");

            Node Classifier(string name) => ConvNorm.Linear(b, name, x, numClasses);
        }
    }

    private static Node Downsample(GraphBuilder b, Config config, Node x, int width)
    {
        using (b.Scope("downsample"))
        {
            x = Block(b, config, "pre_block", x, squeezes: false);
            x = ConvNorm.Build(b, "spatial_downsample", x, x.Shape[0], config.Kernel, stride: 2, groups: x.Shape[0]);
            x = ConvNorm.Build(b, "channel_downsample", x, width);
            return b.Add(ChannelMixer(b, config, "ffn", x), x);
        }
    }

    private static Node Block(GraphBuilder b, Config config, string name, Node x, bool squeezes)
    {
        using (b.Scope(name))
        {
            x = RepVggDepthwise(b, config, x);
            x = squeezes ? ChannelAttention.SqueezeExcite(b, "se", x, reductionRatio: 0.25f) : b.Identity("se", x);
            return b.Add(x, ChannelMixer(b, config, "channel_mixer", x));
        }
    }

    private static Node RepVggDepthwise(GraphBuilder b, Config config, Node x)
    {
        int channels = x.Shape[0];
        using (b.Scope("token_mixer"))
        {
            Node conv3x3 = ConvNorm.Build(b, "conv", x, channels, config.Kernel, groups: channels);
            Node conv1x1 = config.Legacy ? ConvNorm.Build(b, "conv1", x, channels, groups: channels) : b.Conv2d("conv1", x, channels, 1, groups: channels, bias: true);
            x = b.Add(b.Add(conv3x3, conv1x1), x);
            return config.Legacy ? b.Identity("bn", x) : b.BatchNorm("bn", x);
        }
    }

    private static Node ChannelMixer(GraphBuilder b, Config config, string name, Node x)
    {
        using (b.Scope(name))
            return ConvNorm.Build(b, "conv2", b.Act("act", ConvNorm.Build(b, "conv1", x, config.MlpRatio * x.Shape[0]), UnaryKind.Gelu), x.Shape[0]);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["depth"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.Number() },
        ["kernel_size"] = (c, v) => c with { Kernel = v.OddKernel() },
        ["distillation"] = (c, v) => c with { Distilled = v.GetBoolean() },
        ["legacy"] = (c, v) => c with { Legacy = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["repvit_m1"] = new([48, 96, 192, 384], [2, 2, 14, 2]) { Legacy = true },
        ["repvit_m2"] = new([64, 128, 256, 512], [2, 2, 12, 2]) { Legacy = true },
        ["repvit_m3"] = new([64, 128, 256, 512], [4, 4, 18, 2]) { Legacy = true },
        ["repvit_m0_9"] = new([48, 96, 192, 384], [2, 2, 14, 2]),
        ["repvit_m1_0"] = new([56, 112, 224, 448], [2, 2, 14, 2]),
        ["repvit_m1_1"] = new([64, 128, 256, 512], [2, 2, 12, 2]),
        ["repvit_m1_5"] = new([64, 128, 256, 512], [4, 4, 24, 4]),
        ["repvit_m2_3"] = new([80, 160, 320, 640], [6, 6, 34, 2]),
    };
}
