using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>What a detector computes of a padded batch in one run: the pyramid, and the heads that work on all of its maps.</summary>
/// <param name="Graph">The graph; its outputs are the pooled maps, then the heads' maps head by head, all with channels last.</param>
/// <param name="Body">The backbone's maps.</param>
/// <param name="Levels">The pyramid's maps, by name, from fine to coarse.</param>
/// <param name="Pooled">Numbers of the levels that boxes are cut from.</param>
/// <param name="Heads">For each head its map of every level, <c>[A · K, H, W]</c>.</param>
internal sealed record FeatureGraph(
    Graph Graph, ImmutableArray<(string Name, Node Map)> Body, ImmutableArray<(string Name, Node Map)> Levels, ImmutableArray<int> Pooled, ImmutableArray<ImmutableArray<Node>> Heads)
{
    /// <summary>Continues a body with a pyramid and heads.</summary>
    /// <param name="body">The backbone's part.</param>
    /// <param name="size">Size of the padded batch.</param>
    /// <param name="pyramid">The pyramid network; null for the backbone's maps as they are.</param>
    /// <param name="poolers">How boxes are cut from the maps; none where they are not.</param>
    /// <param name="heads">Adds the heads to the levels, and gives what each makes of every level.</param>
    /// <param name="sharesHeads">Whether all levels have the same heads, and so need equal channels.</param>
    /// <exception cref="GraphException">The maps have different channels, or there is none to cut boxes from.</exception>
    public static FeatureGraph Build(BodyGraph body, Size2 size, FeaturePyramid? pyramid, ImmutableArray<MultiScaleRoIAlign> poolers, Func<GraphBuilder, ImmutableArray<Node>, ImmutableArray<ImmutableArray<Node>>> heads,
        bool sharesHeads = true)
    {
        (Graph graph, ImmutableArray<(string Name, Node Map)> maps) = body.Build(size);
        GraphBuilder b = GraphBuilder.Extend(graph);
        ImmutableArray<(string Name, Node Map)> levels = pyramid is null ? maps
            : Layers.FeaturePyramidNetwork.Build(b, "backbone.fpn", maps, pyramid.OutChannels, pyramid.Extra, pyramid.BatchNorm);
        if (sharesHeads && levels.FirstOrDefault(l => l.Map.Shape[0] != levels[0].Map.Shape[0]) is (string, Node) other)
            throw new GraphException($"The heads need maps of equal channels: '{levels[0].Name}' has {levels[0].Map.Shape}, '{other.Name}' {other.Map.Shape}. Set Pyramid, which makes them equal.");
        if (poolers.FirstOrDefault(p => !p.FeatmapNames.Intersect(levels.Select(l => l.Name)).Any()) is { } missing)
            throw new GraphException($"None of the maps to cut boxes from is there: FeatmapNames are {string.Join(", ", missing.FeatmapNames)}, the network has {string.Join(", ", levels.Select(l => l.Name))}.");
        ImmutableArray<int> pools = [.. Enumerable.Range(0, levels.Length).Where(i => poolers.Any(p => p.FeatmapNames.Contains(levels[i].Name)))];
        ImmutableArray<ImmutableArray<Node>> results = heads(b, [.. levels.Select(l => l.Map)]);
        Node[] outputs = [.. pools.Select(i => levels[i].Map).Concat(results.SelectMany(r => r)).Select(map => b.Permute(map, [1, 2, 0], "#channels_last"))];
        return new(b.Build(graph.Outputs).WithOutputs(outputs), maps, levels, pools, results);
    }

    /// <summary>Size of each level.</summary>
    public Size2[] LevelSizes => [.. Levels.Select(l => new Size2(l.Map.Shape[1], l.Map.Shape[2]))];
}
