using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// The first squeeze-and-excitation networks, as their authors trained them with Caffe: SE-ResNet, SE-ResNeXt and SENet-154.
/// timm: <c>senet.py</c>. Paper: Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507
/// </summary>
internal static class SENet
{
    private const int Reduction = 16;

    /// <summary>One layer of a block.</summary>
    private readonly record struct Conv(int Channels, int Kernel, int Stride = 1, int Groups = 1);

    /// <summary>A kind of block: its output's channels for one of its planes, and its convolutions for planes and stride.</summary>
    internal sealed class Block
    {
        private readonly Func<int, int, Conv[]> _convs;

        private Block(int expansion, Func<int, int, Conv[]> convs) => (Expansion, _convs) = (expansion, convs);

        public int Expansion { get; }

        public static Block Basic { get; } = new(1, (planes, stride) => [new(planes, 3, stride), new(planes, 3)]);

        /// <summary>Caffe's bottleneck: the stride is in the first convolution.</summary>
        public static Block Bottleneck { get; } = new(4, (planes, stride) => [new(planes, 1, stride), new(planes, 3), new(4 * planes, 1)]);

        /// <summary>32 groups of 4 channels.</summary>
        public static Block ResNeXt { get; } = new(4, (planes, stride) => [new(2 * planes, 1), new(2 * planes, 3, stride, 32), new(4 * planes, 1)]);

        public static Block SENet154 { get; } = new(4, (planes, stride) => [new(2 * planes, 1), new(4 * planes, 3, stride, 64), new(4 * planes, 1)]);

        /// <summary>Adds the block in its scope.</summary>
        public Node Build(GraphBuilder b, Node x, int planes, int stride, Func<Node, Node>? downsample)
        {
            Conv[] convs = _convs(planes, stride);
            Node y = x;
            for (int i = 0; i < convs.Length; i++)
            {
                Conv conv = convs[i];
                y = b.Conv2d($"conv{i + 1}", y, conv.Channels, conv.Kernel, conv.Stride, conv.Kernel / 2, groups: conv.Groups);
                y = b.BatchNorm($"bn{i + 1}", y);
                // The basic block has an activation behind each convolution.
                if (i < convs.Length - 1 || this == Basic)
                    y = b.Act("relu", y, UnaryKind.Relu);
            }
            b.Declare("se_module");
            Node shortcut = downsample?.Invoke(x) ?? x;
            return b.Act("relu", b.Add(SqueezeExcite(b, y), shortcut), UnaryKind.Relu);
        }
    }

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(Block Block, ImmutableArray<int> Layers)
    {
        /// <summary>SENet-154's stem, three 3×3 convolutions to 128 channels, and 3×3 shortcuts.</summary>
        public bool Deep { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = BuildStem(b, config);
        var levels = new List<FeatureLevel> { new(x.Shape[0], 2, "layer0", x) };
        // Caffe pads no pooling; its last window is cut off by the edge.
        x = b.MaxPool2d("pool0", x, 3, stride: 2, ceilMode: true);
        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            int planes = 64 << stage, outChannels = planes * config.Block.Expansion, kernel = config.Deep && stage > 0 ? 3 : 1;
            using (b.Scope($"layer{stage + 1}"))
            {
                for (int i = 0; i < config.Layers[stage]; i++)
                {
                    int stride = i == 0 && stage > 0 ? 2 : 1;
                    Func<Node, Node>? downsample = stride != 1 || x.Shape[0] != outChannels ? y => Downsample(b, y, outChannels, kernel, stride) : null;
                    using (b.Scope($"{i}"))
                        x = config.Block.Build(b, x, planes, stride, downsample);
                }
            }
            levels.Add(new FeatureLevel(outChannels, 4 << stage, $"layer{stage + 1}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, x, options)) with { Intermediates = null };
    }

    private static Node BuildStem(GraphBuilder b, Config config)
    {
        using (b.Scope("layer0"))
        {
            if (!config.Deep)
                return Layer(b.Conv2d("conv1", b.Input, 64, 7, stride: 2, padding: 3), 1);
            Node x = Layer(b.Conv2d("conv1", b.Input, 64, 3, stride: 2, padding: 1), 1);
            x = Layer(b.Conv2d("conv2", x, 64, 3, padding: 1), 2);
            return Layer(b.Conv2d("conv3", x, 128, 3, padding: 1), 3);
        }

        Node Layer(Node x, int number) => b.Act($"relu{number}", b.BatchNorm($"bn{number}", x), UnaryKind.Relu);
    }

    private static Node SqueezeExcite(GraphBuilder b, Node x)
    {
        int channels = x.Shape[0];
        using (b.Scope("se_module"))
        {
            Node s = b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true);
            s = b.Act("relu", b.Conv2d("fc1", s, channels / Reduction, 1, bias: true), UnaryKind.Relu);
            s = b.Act("sigmoid", b.Conv2d("fc2", s, channels, 1, bias: true), UnaryKind.Sigmoid);
            return b.Multiply(x, s);
        }
    }

    private static Node Downsample(GraphBuilder b, Node x, int outChannels, int kernel, int stride)
    {
        using (b.Scope("downsample"))
            return b.BatchNorm("1", b.Conv2d("0", x, outChannels, kernel, stride, kernel / 2));
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
        x = GlobalPool.Pool(b, "global_pool", x, options.GlobalPool, flatten: options.GlobalPool.Length > 0);
        x = b.Identity("dropout", x);
        return (x, Classifier.Fc(b, "last_linear", x, options.NumClasses));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["layers"] = (c, v) => c with { Layers = v.PerStage(c.Layers.Length) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["legacy_seresnet18"] = new(Block.Basic, [2, 2, 2, 2]),
        ["legacy_seresnet34"] = new(Block.Basic, [3, 4, 6, 3]),
        ["legacy_seresnet50"] = new(Block.Bottleneck, [3, 4, 6, 3]),
        ["legacy_seresnet101"] = new(Block.Bottleneck, [3, 4, 23, 3]),
        ["legacy_seresnet152"] = new(Block.Bottleneck, [3, 8, 36, 3]),
        ["legacy_senet154"] = new(Block.SENet154, [3, 8, 36, 3]) { Deep = true },
        ["legacy_seresnext26_32x4d"] = new(Block.ResNeXt, [2, 2, 2, 2]),
        ["legacy_seresnext50_32x4d"] = new(Block.ResNeXt, [3, 4, 6, 3]),
        ["legacy_seresnext101_32x4d"] = new(Block.ResNeXt, [3, 4, 23, 3]),
    };
}
