using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's ShuffleNetV2, with torchvision's module and node names: half of the channels passes a block by, then both halves are shuffled.
/// torchvision: <c>models/shufflenetv2.py</c>. Paper: ShuffleNet V2, https://arxiv.org/abs/1807.11164
/// </summary>
internal static class TorchvisionShuffleNetV2
{
    private static readonly ImmutableArray<int> s_blocks = [4, 8, 4];

    /// <summary>What tells one variant from another: channels of the three stages, and of the last convolution.</summary>
    internal sealed record Config(ImmutableArray<int> Channels, int LastChannels = 1024);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("conv1"))
            x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", b.Input, 24, 3, stride: 2, padding: 1)), UnaryKind.Relu);
        var levels = new List<FeatureLevel> { new(x.Shape[0], 2, "conv1", x) };
        x = b.MaxPool2d("maxpool", x, 3, stride: 2, padding: 1);
        levels.Add(new FeatureLevel(x.Shape[0], 4, "maxpool", x));
        for (int stage = 0; stage < s_blocks.Length; stage++)
        {
            string name = $"stage{stage + 2}";
            for (int i = 0; i < s_blocks[stage]; i++)
            {
                using (b.Scope($"{name}.{i}"))
                    x = InvertedResidual(b, x, config.Channels[stage] / 2, downsamples: i == 0);
            }
            levels.Add(new FeatureLevel(x.Shape[0], 8 << stage, name, x));
        }
        using (b.Scope("conv5"))
            x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", x, config.LastChannels, 1)), UnaryKind.Relu);
        Node pooled = TorchvisionHead.Pool(b, x, options, "mean");
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Classifier.Fc(b, "fc", pooled, options.NumClasses))) with { Intermediates = null };
    }

    private static Node InvertedResidual(GraphBuilder b, Node x, int width, bool downsamples)
    {
        if (downsamples)
            return ChannelShuffle(b, b.Concat(0, [Shortcut(b, x, width), Branch(b, x, width, stride: 2)]));
        b.WithoutTensor("chunk");
        Node passed = b.Slice(x, 0, 0, width), taken = b.Slice(x, 0, width, width);
        return ChannelShuffle(b, b.Concat(0, [passed, Branch(b, taken, width, stride: 1)]));
    }

    private static Node Shortcut(GraphBuilder b, Node x, int width)
    {
        using (b.Scope("branch1"))
        {
            x = b.BatchNorm("1", b.Conv2d("0", x, x.Shape[0], 3, stride: 2, padding: 1, groups: x.Shape[0]));
            return b.Act("4", b.BatchNorm("3", b.Conv2d("2", x, width, 1)), UnaryKind.Relu);
        }
    }

    private static Node Branch(GraphBuilder b, Node x, int width, int stride)
    {
        using (b.Scope("branch2"))
        {
            x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", x, width, 1)), UnaryKind.Relu);
            x = b.BatchNorm("4", b.Conv2d("3", x, width, 3, stride, padding: 1, groups: width));
            return b.Act("7", b.BatchNorm("6", b.Conv2d("5", x, width, 1)), UnaryKind.Relu);
        }
    }

    /// <summary>Channels of both halves by turns.</summary>
    private static Node ChannelShuffle(GraphBuilder b, Node x)
    {
        Shape shape = x.Shape;
        b.WithoutTensor("size");
        for (int dimension = 0; dimension < 4; dimension++)
            b.WithoutTensor("getitem");
        b.WithoutTensor("floordiv");
        x = b.Reshape(x, [2, shape[0] / 2, shape[1], shape[2]], "view");
        x = b.Function("contiguous", new IdentityOp(), b.Transpose(x, 0, 1));
        return b.Reshape(x, shape, "view");
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/shufflenet_v2_x0_5"] = new([48, 96, 192]),
        ["torchvision/shufflenet_v2_x1_0"] = new([116, 232, 464]),
        ["torchvision/shufflenet_v2_x1_5"] = new([176, 352, 704]),
        ["torchvision/shufflenet_v2_x2_0"] = new([244, 488, 976], LastChannels: 2048),
    };
}
