using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// DenseNet: every layer of a block gets the maps of all layers before it.
/// timm: <c>densenet.py</c>. Paper: Densely Connected Convolutional Networks, https://arxiv.org/abs/1608.06993
/// </summary>
internal static class DenseNet
{
    internal const int LastStride = 32;

    /// <summary>What tells one variant from another: channels that a layer adds, and the number of layers per block.</summary>
    internal sealed record Config(int GrowthRate, ImmutableArray<int> Layers)
    {
        /// <summary>Channels of a layer's 1×1 convolution, in growth rates.</summary>
        public int BottleneckWidth { get; init; } = 4;

        /// <summary>Three 3×3 convolutions in place of the 7×7 one.</summary>
        public bool DeepStem { get; init; }

        /// <summary>The stem's pooling is anti-aliased.</summary>
        public bool BlurStem { get; init; }

        public NormActLayer Norm { get; init; } = NormActs.BatchNorm;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        (List<FeatureLevel> levels, Node x) = BuildBlocks(b, config, options);
        using (b.Scope("features"))
            x = NormActs.BatchNorm(b, "norm5", x, UnaryKind.Relu);
        levels.Add(new FeatureLevel(x.Shape[0], LastStride, x.Name, x));
        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool, "classifier")) with { Intermediates = null };
    }

    /// <summary>The layers <c>features</c> without the last norm, which timm and torchvision have alike: the levels before the last block, and its map.</summary>
    internal static (List<FeatureLevel> Levels, Node Last) BuildBlocks(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(LastStride);
        var levels = new List<FeatureLevel>();
        using (b.Scope("features"))
        {
            Node x = BuildStem(b, config, b.Input);
            levels.Add(new FeatureLevel(x.Shape[0], 2, x.Name, x));
            x = BuildStemPool(b, config, x);
            int stride = 4;
            for (int block = 1; block < config.Layers.Length; block++)
            {
                x = DenseBlock(b, config, x, block);
                levels.Add(new FeatureLevel(x.Shape[0], stride, $"features.denseblock{block}", x));
                using (b.Scope($"transition{block}"))
                {
                    x = config.Norm(b, "norm", x, UnaryKind.Relu);
                    x = b.Conv2d("conv", x, x.Shape[0] / 2, 1);
                    x = b.AvgPool2d("pool", x, 2);
                }
                stride *= 2;
            }
            return (levels, DenseBlock(b, config, x, config.Layers.Length));
        }
    }

    private static Node BuildStem(GraphBuilder b, Config config, Node x)
    {
        int growth = config.GrowthRate;
        if (!config.DeepStem)
            return config.Norm(b, "norm0", b.Conv2d("conv0", x, growth * 2, 7, stride: 2, padding: 3), UnaryKind.Relu);
        x = config.Norm(b, "norm0", b.Conv2d("conv0", x, growth, 3, stride: 2, padding: 1), UnaryKind.Relu);
        x = config.Norm(b, "norm1", b.Conv2d("conv1", x, growth, 3, padding: 1), UnaryKind.Relu);
        return config.Norm(b, "norm2", b.Conv2d("conv2", x, growth * 2, 3, padding: 1), UnaryKind.Relu);
    }

    private static Node BuildStemPool(GraphBuilder b, Config config, Node x)
    {
        if (!config.BlurStem)
            return b.MaxPool2d("pool0", x, 3, stride: 2, padding: 1);
        using (b.Scope("pool0"))
            return BlurPool2d.Build(b, "1", b.MaxPool2d("0", x, 3, stride: 1, padding: 1));
    }

    private static Node DenseBlock(GraphBuilder b, Config config, Node x, int number)
    {
        var maps = new List<Node> { x };
        using (b.Scope($"denseblock{number}"))
        {
            for (int i = 1; i <= config.Layers[number - 1]; i++)
            {
                using (b.Scope($"denselayer{i}"))
                    maps.Add(DenseLayer(b, config, maps));
            }
            return b.Concat(0, [.. maps]);
        }
    }

    private static Node DenseLayer(GraphBuilder b, Config config, List<Node> maps)
    {
        Node x = config.Norm(b, "norm1", b.Concat(0, [.. maps]), UnaryKind.Relu);
        x = b.Conv2d("conv1", x, config.BottleneckWidth * config.GrowthRate, 1);
        x = config.Norm(b, "norm2", x, UnaryKind.Relu);
        return b.Conv2d("conv2", x, config.GrowthRate, 3, padding: 1);
    }

    /// <summary>torchvision's published files have names from before norms and convolutions were numbered without a dot.</summary>
    internal static void Remap(Checkpoint c, Config config) => c.RenameMatches((@"(denselayer\d+\.(?:norm|conv))\.(?=[12]\.)", "$1"));

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["growth_rate"] = (c, v) => c with { GrowthRate = v.GetInt32() },
        ["block_config"] = (c, v) => c with { Layers = v.PerStage(c.Layers.Length) },
        ["bn_size"] = (c, v) => c with { BottleneckWidth = v.GetInt32() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["densenet121"] = new(32, [6, 12, 24, 16]),
        ["densenetblur121d"] = new(32, [6, 12, 24, 16]) { DeepStem = true, BlurStem = true },
        ["densenet169"] = new(32, [6, 12, 32, 32]),
        ["densenet201"] = new(32, [6, 12, 48, 32]),
        ["densenet161"] = new(48, [6, 12, 36, 24]),
        ["densenet264d"] = new(48, [6, 12, 64, 48]) { DeepStem = true },
    };
}
