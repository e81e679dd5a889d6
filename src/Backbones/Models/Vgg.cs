using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// VGG: plain stacks of 3×3 convolutions; the fully connected layers are convolutions here.
/// timm: <c>vgg.py</c>. Paper: Very Deep Convolutional Networks for Large-Scale Image Recognition, https://arxiv.org/abs/1409.1556
/// </summary>
internal static class Vgg
{
    /// <summary>Side of the map that the head was trained for.</summary>
    internal const int HeadKernel = 7;

    private static readonly ImmutableArray<int> s_channels = [64, 128, 256, 512, 512];

    /// <summary>What tells one variant from another: convolutions before each pooling, and whether they are normalised.</summary>
    internal sealed record Config(ImmutableArray<int> Layers, bool Norm = false)
    {
        /// <summary>Width of the hidden layers of the head.</summary>
        public int HeadHiddenSize { get; init; } = 4096;

        /// <summary>Width of the first, relative to the second's.</summary>
        public double MlpRatio { get; init; } = 1;

        /// <summary>The stage whose pooling keeps what is left over at the borders (SSD's third: 75 pixels become 38); null for none.</summary>
        public int? CeilModeStage { get; init; }
    }

    /// <summary>A head over the last map: the classifier's input and its result.</summary>
    internal delegate (Node PreLogits, Node Logits) HeadLayers(GraphBuilder b, Config config, Node x, ModelOptions options);

    /// <summary>The layers <c>features</c>, which timm and torchvision have alike, and a head.</summary>
    internal static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options, HeadLayers head)
    {
        options.RequireOutputStride(32);
        Node x = b.Input;
        var levels = new List<FeatureLevel>();
        int layer = 0, reduction = 1;
        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            for (int i = 0; i < config.Layers[stage]; i++)
            {
                x = b.Conv2d(Next(), x, s_channels[stage], 3, padding: 1, bias: true);
                if (config.Norm)
                    x = b.BatchNorm(Next(), x);
                x = b.Act(Next(), x, UnaryKind.Relu);
            }
            AddLevel();
            x = b.MaxPool2d(Next(), x, 2, ceilMode: stage == config.CeilModeStage);
            reduction *= 2;
        }
        AddLevel();

        return BackboneGraph.OfLevels(b, levels, x, head(b, config, x, options)) with { HeadHiddenSize = config.HeadHiddenSize, Intermediates = null };

        string Next() => $"features.{layer++}";

        void AddLevel() => levels.Add(new FeatureLevel(x.Shape[0], reduction, $"features.{layer - 1}", x));
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, ModelOptions options)
        => ClassifierHeads.Pool(b, ConvMlp(b, config, x), options.NumClasses, options.GlobalPool);

    /// <summary>The two hidden layers of the paper's head; a smaller map is first stretched to the 7×7 that they were trained for.</summary>
    private static Node ConvMlp(GraphBuilder b, Config config, Node x) => b.Leaf("pre_logits", () =>
    {
        (int h, int w) = (Math.Max(HeadKernel, x.Shape[1]), Math.Max(HeadKernel, x.Shape[2]));
        if ((h, w) != (x.Shape[1], x.Shape[2]))
            x = b.Function("adaptive_avg_pool2d", new AdaptiveAvgPool2dOp(h, w), x);
        x = b.Act("act1", b.Conv2d("fc1", x, (int)(config.MlpRatio * config.HeadHiddenSize), HeadKernel, bias: true), UnaryKind.Relu);
        return b.Act("act2", b.Conv2d("fc2", x, config.HeadHiddenSize, 1, bias: true), UnaryKind.Relu);
    });

    /// <summary>torchvision's files: the linear layers are convolutions in timm.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(("classifier.0.", "pre_logits.fc1."), ("classifier.3.", "pre_logits.fc2."), ("classifier.6.", "head.fc."));
        c.TakeModelShapes();
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
    };

    public static ModelFamily<Config> Models => new((b, config, options) => Build(b, config, options, Head))
    {
        Arguments = Arguments,
        Remap = Remap,
        ["vgg11"] = new([1, 1, 2, 2, 2]),
        ["vgg11_bn"] = new([1, 1, 2, 2, 2], Norm: true),
        ["vgg13"] = new([2, 2, 2, 2, 2]),
        ["vgg13_bn"] = new([2, 2, 2, 2, 2], Norm: true),
        ["vgg16"] = new([2, 2, 3, 3, 3]),
        ["vgg16_bn"] = new([2, 2, 3, 3, 3], Norm: true),
        ["vgg19"] = new([2, 2, 4, 4, 4]),
        ["vgg19_bn"] = new([2, 2, 4, 4, 4], Norm: true),
    };
}
