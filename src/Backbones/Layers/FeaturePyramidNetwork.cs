using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// torchvision.ops.FeaturePyramidNetwork: each level gets what the coarser ones know, all with the same number of channels.
/// Paper: Feature Pyramid Networks for Object Detection, https://arxiv.org/abs/1612.03144
/// </summary>
public static class FeaturePyramidNetwork
{
    /// <summary>Adds the network; its parameters have torchvision's names (<c>inner_blocks.0.0.weight</c>, <c>layer_blocks.0.0.weight</c>, …).</summary>
    /// <param name="b">The builder, usually one that extends a selection (<see cref="SelectedFeatures.Extend"/>).</param>
    /// <param name="name">Module name, such as <c>fpn</c>; empty for none.</param>
    /// <param name="levels">Names and maps <c>[C, H, W]</c>, from fine to coarse.</param>
    /// <param name="outChannels">Channels of every result.</param>
    /// <param name="lastLevelMaxPool">One more level <c>pool</c>: every second pixel of the coarsest (torchvision's LastLevelMaxPool).</param>
    /// <returns>Names and maps <c>[outChannels, H, W]</c> in the order of <paramref name="levels"/>, then <c>pool</c>.</returns>
    /// <exception cref="ArgumentException">There are no levels.</exception>
    public static ImmutableArray<(string Name, Node Map)> Build(
        GraphBuilder b, string name, IReadOnlyList<(string Name, Node Map)> levels, int outChannels, bool lastLevelMaxPool = false)
        => Build(b, name, levels, outChannels, lastLevelMaxPool ? ExtraBlocks.LastLevelMaxPool : ExtraBlocks.None);

    /// <summary>The same with any of torchvision's extra levels, and with batch normalisation behind every convolution.</summary>
    /// <param name="b">The builder, usually one that extends a selection (<see cref="SelectedFeatures.Extend"/>).</param>
    /// <param name="name">Module name, such as <c>fpn</c>; empty for none.</param>
    /// <param name="levels">Names and maps <c>[C, H, W]</c>, from fine to coarse.</param>
    /// <param name="outChannels">Channels of every result.</param>
    /// <param name="extra">What comes behind the coarsest level.</param>
    /// <param name="batchNorm">Convolutions without bias and with batch normalisation (torchvision's <c>norm_layer</c>).</param>
    /// <returns>Names and maps <c>[outChannels, H, W]</c> in the order of <paramref name="levels"/>, then <c>pool</c> or <c>p6</c> and <c>p7</c>.</returns>
    /// <exception cref="ArgumentException">There are no levels.</exception>
    public static ImmutableArray<(string Name, Node Map)> Build(
        GraphBuilder b, string name, IReadOnlyList<(string Name, Node Map)> levels, int outChannels, ExtraBlocks extra, bool batchNorm = false)
    {
        if (levels.Count == 0)
            throw new ArgumentException("A feature pyramid network needs at least one level.", nameof(levels));
        var results = new (string Name, Node Map)[levels.Count];
        using (b.Scope(name))
        {
            // Registered from fine to coarse, run from coarse to fine.
            foreach (string list in new[] { "inner_blocks", "layer_blocks" })
                b.Declare([.. Enumerable.Range(0, levels.Count).Select(i => $"{list}.{i}")]);
            Node? coarser = null;
            for (int i = levels.Count - 1; i >= 0; i--)
            {
                Node inner = Conv($"inner_blocks.{i}", levels[i].Map, 1);
                if (coarser is not null)
                    inner = b.Add(inner, b.Resize(coarser, inner.Shape[1], inner.Shape[2], ResizeMode.Nearest));
                results[i] = (levels[i].Name, Conv($"layer_blocks.{i}", inner, 3));
                coarser = inner;
            }
            return [.. results, .. ExtraLevels(b, extra, levels[^1].Map, results[^1].Map)];
        }

        Node Conv(string block, Node x, int kernel)
        {
            Node y = b.Conv2d($"{block}.0", x, outChannels, kernel, padding: kernel / 2, bias: !batchNorm);
            return batchNorm ? b.BatchNorm($"{block}.1", y) : y;
        }
    }

    private static (string Name, Node Map)[] ExtraLevels(GraphBuilder b, ExtraBlocks extra, Node body, Node coarsest)
    {
        switch (extra)
        {
            case ExtraBlocks.None:
                return [];
            case ExtraBlocks.LastLevelMaxPool:
                return [("pool", b.MaxPool2d("max_pool2d", coarsest, 1, stride: 2))];
            case ExtraBlocks.LastLevelP6P7 or ExtraBlocks.LastLevelP6P7OnBody:
                using (b.Scope("extra_blocks"))
                {
                    int channels = coarsest.Shape[0];
                    Node p6 = b.Conv2d("p6", extra == ExtraBlocks.LastLevelP6P7 ? coarsest : body, channels, 3, stride: 2, padding: 1, bias: true);
                    Node p7 = b.Conv2d("p7", b.Unary(p6, UnaryKind.Relu, "relu"), channels, 3, stride: 2, padding: 1, bias: true);
                    return [("p6", p6), ("p7", p7)];
                }
            default:
                throw new ArgumentOutOfRangeException(nameof(extra), extra, $"There are no such extra levels; valid ones are {string.Join(", ", Enum.GetNames<ExtraBlocks>())}.");
        }
    }
}

/// <summary>The levels that a feature pyramid network has behind its coarsest (torchvision's <c>extra_blocks</c>).</summary>
public enum ExtraBlocks
{
    /// <summary>None.</summary>
    None,

    /// <summary><c>pool</c>: every second pixel of the coarsest level (Faster and Mask R-CNN).</summary>
    LastLevelMaxPool,

    /// <summary><c>p6</c> and <c>p7</c>: convolutions of stride 2 over the coarsest level (torchvision's LastLevelP6P7 with equal channels; RetinaNet, FCOS).</summary>
    LastLevelP6P7,

    /// <summary>The same, but <c>p6</c> is made of the backbone's coarsest map (torchvision's LastLevelP6P7 with the backbone's channels; RetinaNet v2).</summary>
    LastLevelP6P7OnBody,
}
