using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own ConvNeXt, with torchvision's module and node names.
/// torchvision: <c>models/convnext.py</c>. Paper: A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545
/// </summary>
internal static class TorchvisionConvNeXt
{
    private const float Eps = 1e-6f;

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = Conv2dNormActivation.Build(b, "features.0", b.Input, config.Channels[0], 4, LayerNorm2d, act: null, stride: 4, padding: 0, bias: true);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int channels = config.Channels[stage];
            if (stage > 0)
            {
                using (b.Scope($"features.{2 * stage}"))
                    x = b.Conv2d("1", LayerNorm2d(b, "0", x), channels, 2, stride: 2, bias: true);
            }
            string name = $"features.{2 * stage + 1}";
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"{name}.{i}"))
                    x = Block(b, x);
            }
            levels.Add(new FeatureLevel(channels, 4 << stage, name, x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, x, options)) with { Intermediates = null };
    }

    private static Node Block(GraphBuilder b, Node x)
    {
        int channels = x.Shape[0];
        Node shortcut = x, scale = b.Parameter("layer_scale", [channels, 1, 1]);
        b.ListedRead(scale);
        using (b.Scope("block"))
        {
            x = b.Conv2d("0", x, channels, 7, padding: 3, groups: channels, bias: true);
            x = b.LayerNorm("2", b.Module("1", new PermuteOp([1, 2, 0]), x), Eps);
            x = b.Linear("5", b.Act("4", b.Linear("3", x, 4 * channels), UnaryKind.Gelu), channels);
            x = b.Module("6", new PermuteOp([2, 0, 1]), x);
        }
        return b.Add(b.Identity("stochastic_depth", b.Multiply(x, scale)), shortcut);
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        TorchvisionHead.RequirePool(x, options);
        bool pools = options.GlobalPool.Length > 0;
        x = pools ? TorchvisionHead.Mean(b, "avgpool", x) : x;
        using (b.Scope("classifier"))
        {
            x = LayerNorm2d(b, "0", x);
            x = pools ? b.Module("1", new ReshapeOp([x.Shape[0]]), x) : x;
            return (x, Classifier.Fc(b, "2", x, options.NumClasses));
        }
    }

    /// <summary>torchvision's LayerNorm2d, over the channels: FX looks into it. The steps can be chosen; the result is one operator.</summary>
    private static Node LayerNorm2d(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]), bias = b.Parameter("bias", [x.Shape[0]]), last = b.Permute(x, [1, 2, 0]);
            b.ListedRead(weight);
            b.ListedRead(bias);
            b.Function("layer_norm", new LayerNormOp(-1, Eps), last, weight, bias);
            return b.Function("permute", new LayerNormOp(0, Eps), x, weight, bias);
        }
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/convnext_tiny"] = new([3, 3, 9, 3], [96, 192, 384, 768]),
        ["torchvision/convnext_small"] = new([3, 3, 27, 3], [96, 192, 384, 768]),
        ["torchvision/convnext_base"] = new([3, 3, 27, 3], [128, 256, 512, 1024]),
        ["torchvision/convnext_large"] = new([3, 3, 27, 3], [192, 384, 768, 1536]),
    };
}
