using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// PP-HGNet and PP-HGNetV2: blocks that gather the maps of all their layers at the end.
/// timm: <c>hgnet.py</c>. Source: PaddleClas, https://github.com/PaddlePaddle/PaddleClas
/// </summary>
internal static class HGNet
{
    /// <summary>A stage.</summary>
    /// <param name="MidChannels">Channels of its layers.</param>
    /// <param name="Channels">Channels that leave it.</param>
    /// <param name="Blocks">Blocks.</param>
    internal readonly record struct Stage(int MidChannels, int Channels, int Blocks);

    /// <summary>What tells one variant from another: channels of the stem's convolutions, layers of a block, the four stages.</summary>
    internal sealed record Config(ImmutableArray<int> Stem, int Layers, ImmutableArray<Stage> Stages)
    {
        /// <summary>The second version: another stem, two convolutions and no attention at a block's end, light layers with 5×5 kernels in the last two stages.</summary>
        public bool V2 { get; init; }

        /// <summary>A learned scale and shift, one number each, behind every activation.</summary>
        public bool LearnableAffine { get; init; }

        /// <summary>Channels of the head's convolution.</summary>
        public int HeadWidth { get; init; } = 2048;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // timm's model takes any output stride and leaves its strides as they are.
        options.RequireOutputStride(8, 16, 32);
        Node x;
        using (b.Scope("stem"))
            x = config.V2 ? StemV2(b, config, b.Input) : StemV1(b, config with { LearnableAffine = false }, b.Input);
        var levels = new List<FeatureLevel>();
        for (int i = 0; i < config.Stages.Length; i++)
        {
            Stage stage = config.Stages[i];
            using (b.Scope($"stages.{i}"))
            {
                x = i == 0 ? b.Identity("downsample", x) : ConvBnAct(b, config, "downsample", x, x.Shape[0], 3, stride: 2, groups: x.Shape[0], act: false);
                for (int k = 0; k < stage.Blocks; k++)
                {
                    using (b.Scope($"blocks.{k}"))
                        x = Block(b, config, x, stage, light: config.V2 && i >= 2, residual: k > 0);
                }
            }
            levels.Add(new FeatureLevel(stage.Channels, 4 << i, $"stages.{i}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, config, x, options.NumClasses, options.GlobalPool)) with { HeadHiddenSize = config.HeadWidth };
    }

    private static Node StemV1(GraphBuilder b, Config config, Node x)
    {
        for (int i = 0; i < config.Stem.Length; i++)
            x = ConvBnAct(b, config, $"stem.{i}", x, config.Stem[i], 3, stride: i == 0 ? 2 : 1);
        return b.MaxPool2d("pool", x, 3, 2, 1);
    }

    private static Node StemV2(GraphBuilder b, Config config, Node x)
    {
        (int mid, int width) = (config.Stem[0], config.Stem[1]);
        x = AtTheEnd(ConvBnAct(b, config, "stem1", x, mid, 3, stride: 2));
        Node y = AtTheEnd(ConvBnAct(b, config, "stem2a", x, mid / 2, 2));
        y = ConvBnAct(b, config, "stem2b", y, mid, 2);
        x = b.MaxPool2d("pool", x, 2, 1, ceilMode: true);
        x = ConvBnAct(b, config, "stem3", b.Concat(0, [x, y]), mid, 3, stride: 2);
        return ConvBnAct(b, config, "stem4", x, width, 1);

        // 2×2 windows keep the size with one more row and column.
        Node AtTheEnd(Node map) => b.Pad2d(map, new Padding(0, 0, 1, 1));
    }

    private static Node Block(GraphBuilder b, Config config, Node x, Stage stage, bool light, bool residual)
    {
        Node shortcut = x;
        var maps = new List<Node> { x };
        for (int i = 0; i < config.Layers; i++)
        {
            using (b.Scope($"layers.{i}"))
            {
                x = light ? ConvBnAct(b, config, "conv2", ConvBnAct(b, config, "conv1", x, stage.MidChannels, 1, act: false), stage.MidChannels, 5, groups: stage.MidChannels)
                    : ConvBnAct(b, config, "", x, stage.MidChannels, 3);
            }
            maps.Add(x);
        }
        x = b.Concat(0, [.. maps]);
        using (b.Scope("aggregation"))
        {
            x = config.V2 ? ConvBnAct(b, config, "1", ConvBnAct(b, config, "0", x, stage.Channels / 2, 1), stage.Channels, 1)
                : Ese(b, "1", ConvBnAct(b, config, "0", x, stage.Channels, 1));
        }
        return residual ? b.Add(b.Identity("drop_path", x), shortcut) : x;
    }

    private static Node Ese(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node s = b.Conv2d("conv", b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true), x.Shape[0], 1, bias: true);
            return b.Multiply(x, b.Act("sigmoid", s, UnaryKind.Sigmoid));
        }
    }

    private static Node ConvBnAct(GraphBuilder b, Config config, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1, bool act = true)
    {
        using (b.Scope(name))
        {
            // An even kernel is not padded here: (2 - 1) / 2 is 0.
            x = Conv2dPadding.Conv2d(b, "conv", x, channels, kernel, PadType.Symmetric, stride, groups: groups);
            x = b.BatchNorm("bn", x);
            x = act ? b.Act("act", x, UnaryKind.Relu) : b.Identity("act", x);
            return act && config.LearnableAffine ? Affine(b, "lab", x) : b.Identity("lab", x);
        }
    }

    private static Node Affine(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node scale = b.Parameter("scale", [1]), bias = b.Parameter("bias", [1]);
            return b.Add(b.Multiply(x, scale), bias);
        }
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, int numClasses, string pool)
    {
        Classifier.RequirePool(x, numClasses, pool);
        using (b.Scope("head"))
        {
            x = GlobalPool.Pool(b, "global_pool", x, pool, flatten: false);
            using (b.Scope("last_conv"))
            {
                x = b.Act("1", b.Conv2d("0", x, config.HeadWidth, 1), UnaryKind.Relu);
                x = config.LearnableAffine ? Affine(b, "2", x) : x;
            }
            x = GlobalPool.Flatten(b, b.Identity("dropout", x), pool);
            return (x, Classifier.Fc(b, "fc", x, numClasses));
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["head_hidden_size"] = (c, v) => c with { HeadWidth = v.GetInt32() },
        ["use_lab"] = (c, v) => c with { LearnableAffine = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["hgnet_tiny"] = new([48, 48, 96], 5, [new(96, 224, 1), new(128, 448, 1), new(160, 512, 2), new(192, 768, 1)]),
        ["hgnet_small"] = new([64, 64, 128], 6, [new(128, 256, 1), new(160, 512, 1), new(192, 768, 2), new(224, 1024, 1)]),
        ["hgnet_base"] = new([96, 96, 160], 7, [new(192, 320, 1), new(224, 640, 2), new(256, 960, 3), new(288, 1280, 2)]),
        ["hgnetv2_b0"] = new([16, 16], 3, [new(16, 64, 1), new(32, 256, 1), new(64, 512, 2), new(128, 1024, 1)]) { V2 = true, LearnableAffine = true },
        ["hgnetv2_b1"] = new([24, 32], 3, [new(32, 64, 1), new(48, 256, 1), new(96, 512, 2), new(192, 1024, 1)]) { V2 = true, LearnableAffine = true },
        ["hgnetv2_b2"] = new([24, 32], 4, [new(32, 96, 1), new(64, 384, 1), new(128, 768, 3), new(256, 1536, 1)]) { V2 = true, LearnableAffine = true },
        ["hgnetv2_b3"] = new([24, 32], 5, [new(32, 128, 1), new(64, 512, 1), new(128, 1024, 3), new(256, 2048, 1)]) { V2 = true, LearnableAffine = true },
        ["hgnetv2_b4"] = new([32, 48], 6, [new(48, 128, 1), new(96, 512, 1), new(192, 1024, 3), new(384, 2048, 1)]) { V2 = true },
        ["hgnetv2_b5"] = new([32, 64], 6, [new(64, 128, 1), new(128, 512, 2), new(256, 1024, 5), new(512, 2048, 2)]) { V2 = true },
        ["hgnetv2_b6"] = new([48, 96], 6, [new(96, 192, 2), new(192, 512, 3), new(384, 1024, 6), new(768, 2048, 3)]) { V2 = true },
    };
}
