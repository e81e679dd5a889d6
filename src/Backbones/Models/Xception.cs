using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Xception: residual blocks of depthwise separable convolutions.
/// timm: <c>xception.py</c>. Paper: Xception: Deep Learning with Depthwise Separable Convolutions, https://arxiv.org/abs/1610.02357
/// </summary>
internal static class Xception
{
    /// <summary>One block.</summary>
    /// <param name="Channels">Channels of the result.</param>
    /// <param name="Convolutions">Number of separable convolutions.</param>
    /// <param name="Stride">Stride of the pooling at the end; 1 for no pooling.</param>
    /// <param name="GrowFirst">The first convolution has the result's channels, not the last alone.</param>
    internal sealed record Block(int Channels, int Convolutions, int Stride, bool GrowFirst = true);

    private static BackboneGraph Build(GraphBuilder b, ImmutableArray<Block> blocks, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = b.Act("act1", b.BatchNorm("bn1", b.Conv2d("conv1", b.Input, 32, 3, stride: 2)), UnaryKind.Relu);
        x = b.Act("act2", b.BatchNorm("bn2", b.Conv2d("conv2", x, 64, 3)), UnaryKind.Relu);
        var levels = new List<FeatureLevel> { new(64, 2, "act2", x) };
        int stride = 2;
        for (int i = 1; i <= blocks.Length; i++)
        {
            Block block = blocks[i - 1];
            (x, Node firstAct) = BuildBlock(b, $"block{i}", x, block, startsWithAct: i > 1);
            // timm takes a level where the next stride is still to come: behind the first activation of a block that has one.
            if (block.Stride > 1 && i > 1)
                levels.Add(new FeatureLevel(firstAct.Shape[0], stride, $"block{i}.rep.0", firstAct));
            stride *= block.Stride;
        }
        x = b.Act("act3", b.BatchNorm("bn3", SeparableConv(b, "conv3", x, 1536)), UnaryKind.Relu);
        x = b.Act("act4", b.BatchNorm("bn4", SeparableConv(b, "conv4", x, 2048)), UnaryKind.Relu);
        levels.Add(new FeatureLevel(2048, stride, "act4", x));

        return BackboneGraph.OfLevels(b, levels, x, Classifier.Build(b, x, options.NumClasses, options.GlobalPool)) with { Intermediates = null };
    }

    /// <summary>The block's result, and what its first activation gave (its input, where it starts with a convolution).</summary>
    private static (Node Output, Node FirstAct) BuildBlock(GraphBuilder b, string name, Node x, Block block, bool startsWithAct)
    {
        Node input = x, firstAct = x;
        int inner = block.GrowFirst ? block.Channels : x.Shape[0], layer = 0;
        using (b.Scope(name))
        {
            b.Declare("skip", "skipbn", "rep");
            using (b.Scope("rep"))
            {
                for (int i = 0; i < block.Convolutions; i++)
                {
                    if (i > 0 || startsWithAct)
                        x = b.Act($"{layer++}", x, UnaryKind.Relu);
                    if (i == 0)
                        firstAct = x;
                    x = SeparableConv(b, $"{layer++}", x, i == block.Convolutions - 1 ? block.Channels : inner);
                    x = b.BatchNorm($"{layer++}", x);
                }
                if (block.Stride > 1)
                    x = b.MaxPool2d($"{layer}", x, 3, block.Stride, 1);
            }
            Node skip = input;
            if (block.Stride > 1 || input.Shape[0] != block.Channels)
                skip = b.BatchNorm("skipbn", b.Conv2d("skip", input, block.Channels, 1, block.Stride));
            return (b.Add(x, skip), firstAct);
        }
    }

    private static Node SeparableConv(GraphBuilder b, string name, Node x, int channels)
    {
        using (b.Scope(name))
            return b.Conv2d("pointwise", b.Conv2d("conv1", x, x.Shape[0], 3, padding: 1, groups: x.Shape[0]), channels, 1);
    }

    /// <summary>All variants.</summary>
    public static ModelFamily<ImmutableArray<Block>> Models => new(Build)
    {
        ["legacy_xception"] =
        [
            // Entry flow.
            new(128, 2, 2),
            new(256, 2, 2),
            new(728, 2, 2),
            // Middle flow.
            .. Enumerable.Repeat(new Block(728, 3, 1), 8),
            // Exit flow.
            new(1024, 2, 2, GrowFirst: false),
        ],
    };
}
