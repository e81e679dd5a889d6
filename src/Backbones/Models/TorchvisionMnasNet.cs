using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's MNASNet (B1), with torchvision's module and node names. The stem's channels are scaled, too, as in all published files.
/// torchvision: <c>models/mnasnet.py</c>. Paper: MnasNet: Platform-Aware Neural Architecture Search for Mobile, https://arxiv.org/abs/1807.11626
/// </summary>
internal static class TorchvisionMnasNet
{
    /// <summary>Blocks alike: channels of the result, kernel, the first one's stride, how many times wider they are inside, their number.</summary>
    private readonly record struct Stack(int Channels, int Kernel, int Stride, int Expansion, int Blocks);

    private static readonly ImmutableArray<Stack> s_stacks =
        [new(24, 3, 2, 3, 3), new(40, 5, 2, 3, 3), new(80, 5, 2, 6, 3), new(96, 3, 1, 6, 2), new(192, 5, 2, 6, 4), new(320, 3, 1, 6, 1)];

    private static BackboneGraph Build(GraphBuilder b, double width, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        int layer = 0, reduction = 2, stem = Scaled(32);
        Node x = b.Input;
        using (b.Scope("layers"))
        {
            x = ConvNorm(b, ref layer, x, stem, 3, stride: 2, act: true);
            x = ConvNorm(b, ref layer, x, stem, 3, groups: stem, act: true);
            x = ConvNorm(b, ref layer, x, Scaled(16), 1);
            levels.SetLast(reduction, $"layers.{layer - 1}", x);
            foreach (Stack stack in s_stacks)
            {
                for (int i = 0; i < stack.Blocks; i++)
                    x = InvertedResidual(b, $"{layer}.{i}", x, stack with { Channels = Scaled(stack.Channels), Stride = i == 0 ? stack.Stride : 1 });
                levels.SetLast(reduction *= stack.Stride, $"layers.{layer++}", x);
            }
            x = ConvNorm(b, ref layer, x, 1280, 1, act: true);
        }
        Node pooled = TorchvisionHead.Pool(b, x, options, "mean");
        return BackboneGraph.OfLevels(b, levels, x, (pooled, TorchvisionHead.DropoutLinear(b, pooled, options))) with { Intermediates = null };

        int Scaled(int channels) => ChannelAttention.MakeDivisible(channels * width);
    }

    private static Node InvertedResidual(GraphBuilder b, string name, Node x, Stack stack)
    {
        Node identity = x;
        int layer = 0, width = x.Shape[0] * stack.Expansion;
        using (b.Scope(name))
        {
            using (b.Scope("layers"))
            {
                x = ConvNorm(b, ref layer, x, width, 1, act: true);
                x = ConvNorm(b, ref layer, x, width, stack.Kernel, stack.Stride, groups: width, act: true);
                x = ConvNorm(b, ref layer, x, stack.Channels, 1);
            }
            return stack.Stride == 1 && identity.Shape == x.Shape ? b.Add(x, identity) : x;
        }
    }

    /// <summary>Convolution, batch norm and activation, numbered on from <paramref name="layer"/>.</summary>
    private static Node ConvNorm(GraphBuilder b, ref int layer, Node x, int channels, int kernel, int stride = 1, int groups = 1, bool act = false)
    {
        x = b.Conv2d($"{layer++}", x, channels, kernel, stride, kernel / 2, groups: groups);
        x = b.BatchNorm($"{layer++}", x);
        return act ? b.Act($"{layer++}", x, UnaryKind.Relu) : x;
    }

    public static ModelFamily<double> Models => new(Build)
    {
        ["torchvision/mnasnet0_5"] = 0.5,
        ["torchvision/mnasnet0_75"] = 0.75,
        ["torchvision/mnasnet1_0"] = 1.0,
        ["torchvision/mnasnet1_3"] = 1.3,
    };
}
