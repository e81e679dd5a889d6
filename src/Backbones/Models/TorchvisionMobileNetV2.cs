using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's MobileNetV2, with torchvision's module and node names.
/// torchvision: <c>models/mobilenetv2.py</c>. Paper: MobileNetV2, https://arxiv.org/abs/1801.04381
/// </summary>
internal static class TorchvisionMobileNetV2
{
    /// <summary>Blocks alike: how many times wider they are inside, channels of the result, their number, the first one's stride.</summary>
    internal readonly record struct Stage(int Expansion, int Channels, int Blocks, int Stride);

    private static BackboneGraph Build(GraphBuilder b, ImmutableArray<Stage> stages, ModelOptions options)
    {
        options.RequireOutputStride(32);
        int layer = 0, reduction = 2;
        var levels = new List<FeatureLevel>();
        Node x = Conv2dNormActivation.Build(b, Next(), b.Input, 32, 3, Norms.BatchNorm, UnaryKind.Relu6, stride: 2);
        foreach (Stage stage in stages)
        {
            reduction *= stage.Stride;
            for (int i = 0; i < stage.Blocks; i++)
                x = InvertedResidual(b, Next(), x, stage, i == 0 ? stage.Stride : 1);
            levels.SetLast(reduction, $"features.{layer - 1}", x);
        }
        x = Conv2dNormActivation.Build(b, Next(), x, 1280, 1, Norms.BatchNorm, UnaryKind.Relu6);
        Node pooled = TorchvisionHead.Pool(b, x, options, "adaptive_avg_pool2d");
        return BackboneGraph.OfLevels(b, levels, x, (pooled, TorchvisionHead.DropoutLinear(b, pooled, options))) with { Intermediates = null };

        string Next() => $"features.{layer++}";
    }

    private static Node InvertedResidual(GraphBuilder b, string name, Node x, Stage stage, int stride)
    {
        Node identity = x;
        int width = x.Shape[0] * stage.Expansion, layer = 0;
        using (b.Scope(name))
        {
            using (b.Scope("conv"))
            {
                if (stage.Expansion > 1)
                    x = Conv2dNormActivation.Build(b, $"{layer++}", x, width, 1, Norms.BatchNorm, UnaryKind.Relu6);
                x = Conv2dNormActivation.Build(b, $"{layer++}", x, width, 3, Norms.BatchNorm, UnaryKind.Relu6, stride, groups: width);
                x = b.BatchNorm($"{layer + 1}", b.Conv2d($"{layer}", x, stage.Channels, 1));
            }
            return stride == 1 && identity.Shape == x.Shape ? b.Add(identity, x) : x;
        }
    }

    public static ModelFamily<ImmutableArray<Stage>> Models => new(Build)
    {
        ["torchvision/mobilenet_v2"] = [new(1, 16, 1, 1), new(6, 24, 2, 2), new(6, 32, 3, 2), new(6, 64, 4, 2), new(6, 96, 3, 1), new(6, 160, 3, 2), new(6, 320, 1, 1)],
    };
}
