using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Graphs.Passes;

namespace Backbones.Detection;

/// <summary>The backbone's part of a detector's graph: under the names that it has in torchvision's <c>state_dict</c>.</summary>
/// <param name="Select">The selected maps for a padded image size.</param>
/// <param name="Rename">The detector's key of one of the backbone's; null for the backbone's own below <c>backbone.body</c>.</param>
/// <param name="BatchNormEps">Eps of its batch normalisations where a detector has another than the backbone; null for the backbone's.</param>
internal sealed record BodyGraph(Func<Size2, SelectedFeatures> Select, Func<string, string>? Rename = null, float? BatchNormEps = null)
{
    /// <summary>Where torchvision has the backbone under a pyramid.</summary>
    public const string Prefix = "backbone.body.";

    /// <summary>The body's key of a parameter of the backbone.</summary>
    public string KeyOf(string backboneKey) => Rename?.Invoke(backboneKey) ?? Prefix + backboneKey;

    /// <summary>The graph and its maps <c>[C, H, W]</c>, named '0', '1', … from fine to coarse as torchvision names them.</summary>
    /// <exception cref="GraphException">The backbone cannot have this image size, or what was selected is no map.</exception>
    public (Graph Graph, ImmutableArray<(string Name, Node Map)> Levels) Build(Size2 size)
    {
        SelectedFeatures selected = Select(size);
        if (selected.Graph.Inputs is not [{ Shape: [3, _, _] }])
            throw new GraphException($"A detector's images have 3 channels; the backbone takes {string.Join(" and ", selected.Graph.Inputs.Select(i => i.Shape))}.");
        if (selected.Outputs.FirstOrDefault(o => o.Shape.Rank != 3) is { } flat)
            throw new GraphException($"A detector needs feature maps [C, H, W]; '{flat.Name}' of the backbone is {flat.Shape}. Select a pyramid, for example FeatureSelection.Pyramid().");
        // Maps with channels last are turned.
        Graph graph = Renamed(selected.Extend((_, maps) => maps).Graph);
        return (graph, [.. graph.Outputs.Select((map, i) => ($"{i}", map))]);
    }

    private Graph Renamed(Graph graph) => RenameModules.Run(graph, KeyOf, op => op is BatchNormOp norm && BatchNormEps is { } eps ? norm with { Eps = eps } : op);
}
