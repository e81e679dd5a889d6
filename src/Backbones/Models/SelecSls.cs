using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// SelecSLS: blocks that gather three maps of their own and one of the stage's first block.
/// timm: <c>selecsls.py</c>. Paper: XNect: Real-time Multi-Person 3D Motion Capture with a Single RGB Camera, https://arxiv.org/abs/1907.00837
/// </summary>
internal static class SelecSls
{
    /// <summary>A block: channels inside and of the result; the first of a stage halves the map.</summary>
    internal sealed record Block(int Mid, int Out);

    /// <summary>A convolution of the head.</summary>
    internal sealed record HeadConv(int Out, int Kernel, int Stride);

    /// <summary>What tells one variant from another: the blocks of each stage, and the head's convolutions.</summary>
    internal sealed record Config(ImmutableArray<ImmutableArray<Block>> Stages, ImmutableArray<HeadConv> Head);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ConvBn(b, "stem", b.Input, 32, 3, stride: 2);
        var levels = new List<FeatureLevel> { new(32, 2, "stem.2", x) };
        int number = 0;
        foreach (ImmutableArray<Block> stage in config.Stages)
        {
            Node? skip = null;
            foreach (Block block in stage)
            {
                using (b.Scope($"features.{number++}"))
                    x = BuildBlock(b, block, x, skip);
                skip ??= x;
            }
            levels.Add(new FeatureLevel(x.Shape[0], 2 << levels.Count, $"features.{number - 1}", x));
        }
        for (int i = 0; i < config.Head.Length; i++)
        {
            HeadConv conv = config.Head[i];
            x = ConvBn(b, $"head.{i}", x, conv.Out, conv.Kernel, conv.Stride);
            if (i % 2 == 1)
                levels.Add(new FeatureLevel(conv.Out, 2 << levels.Count, $"head.{i}", x));
        }

        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool)) with
        {
            Intermediates = null,
            // The sixth level is there when asked for.
            DefaultOutIndices = [0, 1, 2, 3, 4],
        };
    }

    /// <summary>x and the map of the stage's first block (null in it) → the block's map.</summary>
    private static Node BuildBlock(GraphBuilder b, Block block, Node x, Node? skip)
    {
        Node d1 = ConvBn(b, "conv1", x, block.Mid, 3, skip is null ? 2 : 1);
        Node d2 = ConvBn(b, "conv3", ConvBn(b, "conv2", d1, block.Mid, 1), block.Mid / 2, 3);
        Node d3 = ConvBn(b, "conv5", ConvBn(b, "conv4", d2, block.Mid, 1), block.Mid / 2, 3);
        return ConvBn(b, "conv6", b.Concat(0, skip is null ? [d1, d2, d3] : [d1, d2, d3, skip]), block.Out, 1);
    }

    private static Node ConvBn(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1)
    {
        using (b.Scope(name))
            return b.Act("2", b.BatchNorm("1", Conv2dPadding.Conv2d(b, "0", x, channels, kernel, PadType.Symmetric, stride)), UnaryKind.Relu);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["selecsls42"] = new(Stages42, [new(960, 3, 2), new(1024, 3, 1), new(1024, 3, 2), new(1280, 1, 1)]),
        ["selecsls42b"] = new(Stages42, [new(960, 3, 2), new(1024, 3, 1), new(1280, 3, 2), new(1024, 1, 1)]),
        ["selecsls60"] = new(Stages60, [new(756, 3, 2), new(1024, 3, 1), new(1024, 3, 2), new(1280, 1, 1)]),
        ["selecsls60b"] = new(Stages60, [new(756, 3, 2), new(1024, 3, 1), new(1280, 3, 2), new(1024, 1, 1)]),
        ["selecsls84"] = new(
            [Stage(64, 2, 144), Stage(144, 5, 304), Stage(304, 6, 512)],
            [new(960, 3, 2), new(1024, 3, 1), new(1024, 3, 2), new(1280, 3, 1)]),
    };

    private static ImmutableArray<ImmutableArray<Block>> Stages42 => [Stage(64, 2, 128), Stage(144, 2, 288), Stage(304, 2, 480)];

    private static ImmutableArray<ImmutableArray<Block>> Stages60 => [Stage(64, 2, 128), Stage(128, 3, 288), Stage(288, 4, 416)];

    /// <summary>Blocks of one width, the last with other channels.</summary>
    private static ImmutableArray<Block> Stage(int width, int blocks, int last) => [.. Enumerable.Repeat(new Block(width, width), blocks - 1), new Block(width, last)];
}
