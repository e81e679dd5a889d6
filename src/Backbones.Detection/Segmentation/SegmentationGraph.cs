using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Graphs.Passes;

namespace Backbones.Segmentation;

/// <summary>torchvision's FCN, DeepLabV3 or LRASPP over a backbone's maps, with torchvision's names: <c>backbone.…</c>, <c>classifier.…</c>, <c>aux_classifier.…</c>.</summary>
/// <param name="Graph">All of it; outputs <paramref name="Out"/>, then <paramref name="Aux"/> if it is there.</param>
/// <param name="Features">The backbone's maps by torchvision's keys: <c>aux</c> and <c>out</c>, or <c>low</c> and <c>high</c>.</param>
/// <param name="Classifier">The scores at the map's size, <c>[classes, h, w]</c>.</param>
/// <param name="Out">The scores at the input's size, <c>[classes, H, W]</c>.</param>
/// <param name="Aux">The same of the auxiliary classifier; null where there is none.</param>
internal sealed record SegmentationGraph(Graph Graph, ImmutableArray<(string Key, Node Map)> Features, Node Classifier, Node Out, Node? Aux)
{
    private const string BackboneScope = "backbone.";

    /// <summary>Builds it.</summary>
    /// <param name="features">The maps: for FCN and DeepLabV3 the classifier's, and before it the auxiliary classifier's if there is to be one; for LRASPP the finer and the coarser.</param>
    /// <param name="method">Which heads.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <param name="unwrapped">A module of the backbone that torchvision takes the layers out of (<c>features</c>); null for none.</param>
    /// <exception cref="GraphException">The selection has not as many maps as the method needs, or other things than maps.</exception>
    public static SegmentationGraph Build(SelectedFeatures features, SegmentationMethod method, int numClasses, string? unwrapped = null)
    {
        // As [C, H, W] in any case.
        SelectedFeatures maps = features.Extend((_, outputs) => outputs);
        Graph body = RenameModules.Run(maps.Graph, name => KeyOf(unwrapped is not null && name.StartsWith(unwrapped + ".", StringComparison.Ordinal) ? name[(unwrapped.Length + 1)..] : name));
        Node[] nodes = InOrder(maps.Outputs, body.Outputs, method);
        Size2 size = (body.Inputs[0].Shape[1], body.Inputs[0].Shape[2]);
        GraphBuilder b = GraphBuilder.Extend(body);
        Node high = nodes[^1];
        if (method == SegmentationMethod.Lraspp)
        {
            Node scores = LrasppHead.Build(b, "classifier", nodes[0], high, numClasses);
            Node enlarged = b.Resize(scores, size.H, size.W, ResizeMode.Bilinear);
            return new(b.Build(enlarged), [("low", nodes[0]), ("high", high)], scores, enlarged, null);
        }
        Node classifier = method == SegmentationMethod.Fcn ? FcnHead.Build(b, "classifier", high, numClasses) : DeepLabHead.Build(b, "classifier", high, numClasses);
        Node result = b.Resize(classifier, size.H, size.W, ResizeMode.Bilinear);
        if (nodes.Length == 1)
            return new(b.Build(result), [("out", high)], classifier, result, null);
        Node aux = b.Resize(FcnHead.Build(b, "aux_classifier", nodes[0], numClasses), size.H, size.W, ResizeMode.Bilinear);
        return new(b.Build(result, aux), [("aux", nodes[0]), ("out", high)], classifier, result, aux);
    }

    /// <summary>The model's key of a parameter of the backbone.</summary>
    public static string KeyOf(string backboneKey) => BackboneScope + backboneKey;

    /// <summary>The maps, the head's last: by torchvision's keys where the outputs have them, otherwise as they are.</summary>
    private static Node[] InOrder(ImmutableArray<FeatureOutput> outputs, ImmutableArray<Node> nodes, SegmentationMethod method)
    {
        (int least, string first, string last) = method switch
        {
            SegmentationMethod.Fcn or SegmentationMethod.DeepLabV3 => (1, "aux", "out"),
            SegmentationMethod.Lraspp => (2, "low", "high"),
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, $"Valid methods are {string.Join(", ", Enum.GetNames<SegmentationMethod>())}."),
        };
        if (outputs.Length < least || outputs.Length > 2 || outputs.Any(o => o.Shape.Rank != 3))
        {
            throw new GraphException($"{method} takes {(least == 2 ? "two maps" : "a map, and before it one for the auxiliary classifier")}, each [C, H, W]; the selection has "
                + $"{string.Join(", ", outputs.Select(o => $"'{o.Name}' {o.Shape}"))}. Select {(least == 2 ? "two levels" : "one or two levels")} of a pyramid, or nodes.");
        }
        return outputs.Length == 2 && outputs[0].Name == last && outputs[1].Name == first ? [nodes[1], nodes[0]] : [.. nodes];
    }
}
