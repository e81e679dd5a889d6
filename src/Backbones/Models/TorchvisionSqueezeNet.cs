using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>
/// torchvision's SqueezeNet, with torchvision's module and node names: modules that squeeze the channels before they expand them. Its classifier is a convolution over the map.
/// torchvision: <c>models/squeezenet.py</c>. Paper: SqueezeNet, https://arxiv.org/abs/1602.07360
/// </summary>
internal static class TorchvisionSqueezeNet
{
    /// <summary>What tells one variant from another.</summary>
    /// <param name="StemChannels">Channels of the first convolution.</param>
    /// <param name="StemKernel">Its kernel.</param>
    /// <param name="SqueezeChannels">Squeezed channels of the modules between two poolings; each expands them eightfold.</param>
    internal sealed record Config(int StemChannels, int StemKernel, ImmutableArray<ImmutableArray<int>> SqueezeChannels);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        int layer = 0, reduction = 2;
        var levels = new List<FeatureLevel>();
        Node x = b.Conv2d(Next(), b.Input, config.StemChannels, config.StemKernel, stride: 2, bias: true);
        x = b.Act(Next(), x, UnaryKind.Relu);
        AddLevel();
        foreach (ImmutableArray<int> stage in config.SqueezeChannels)
        {
            x = b.MaxPool2d(Next(), x, 3, stride: 2, ceilMode: true);
            reduction *= 2;
            foreach (int channels in stage)
                x = Fire(b, Next(), x, channels);
            AddLevel();
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, x, options)) with { Intermediates = null };

        string Next() => $"features.{layer++}";

        void AddLevel() => levels.Add(new FeatureLevel(x.Shape[0], reduction, $"features.{layer - 1}", x));
    }

    private static Node Fire(GraphBuilder b, string name, Node x, int channels)
    {
        using (b.Scope(name))
        {
            x = b.Act("squeeze_activation", b.Conv2d("squeeze", x, channels, 1, bias: true), UnaryKind.Relu);
            return b.Concat(0, [
                b.Act("expand1x1_activation", b.Conv2d("expand1x1", x, 4 * channels, 1, bias: true), UnaryKind.Relu),
                b.Act("expand3x3_activation", b.Conv2d("expand3x3", x, 4 * channels, 3, padding: 1, bias: true), UnaryKind.Relu),
            ]);
        }
    }

    /// <summary>Class scores of every pixel, then their mean. Without classes it is the mean of the map.</summary>
    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        TorchvisionHead.RequirePool(x, options);
        Node scores = b.Identity("classifier.0", x);
        if (options.NumClasses > 0)
            scores = b.Act("classifier.2", b.Conv2d("classifier.1", scores, options.NumClasses, 1, bias: true), UnaryKind.Relu);
        if (options.GlobalPool.Length == 0)
            return (x, scores);
        Node logits = b.Flatten(b.Module("classifier.3", new ReduceOp(ReduceKind.Mean, [1, 2], KeepDims: true), scores));
        return (options.NumClasses > 0 ? b.Reduce(x, ReduceKind.Mean, [1, 2], target: "#pre_logits") : logits, logits);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/squeezenet1_0"] = new(96, 7, [[16, 16, 32], [32, 48, 48, 64], [64]]),
        ["torchvision/squeezenet1_1"] = new(64, 3, [[16, 16], [32, 32], [48, 48, 64, 64]]),
    };
}
