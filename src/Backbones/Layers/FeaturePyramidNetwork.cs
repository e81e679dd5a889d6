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
                Node inner = b.Conv2d($"inner_blocks.{i}.0", levels[i].Map, outChannels, 1, bias: true);
                if (coarser is not null)
                    inner = b.Add(inner, b.Resize(coarser, inner.Shape[1], inner.Shape[2], ResizeMode.Nearest));
                results[i] = (levels[i].Name, b.Conv2d($"layer_blocks.{i}.0", inner, outChannels, 3, padding: 1, bias: true));
                coarser = inner;
            }
            return lastLevelMaxPool ? [.. results, ("pool", b.MaxPool2d("max_pool2d", results[^1].Map, 1, stride: 2))] : [.. results];
        }
    }
}
