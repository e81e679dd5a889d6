using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>The proposal network's head, shared by all maps (torchvision's <c>RPNHead</c>).</summary>
internal static class RpnHead
{
    /// <summary>Objectness <c>[A, H, W]</c> and deltas <c>[4 · A, H, W]</c> of every map.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="maps">The pyramid.</param>
    /// <param name="anchors">Anchors a pixel.</param>
    /// <param name="depth">Convolutions.</param>
    public static ImmutableArray<ImmutableArray<Node>> Build(GraphBuilder b, ImmutableArray<Node> maps, int anchors, int depth)
    {
        var objectness = ImmutableArray.CreateBuilder<Node>();
        var deltas = ImmutableArray.CreateBuilder<Node>();
        using (b.Scope("rpn.head"))
        {
            foreach (Node map in maps)
            {
                Node x = map;
                for (int i = 0; i < depth; i++)
                    x = b.Act($"conv.{i}.1", b.Conv2d($"conv.{i}.0", x, map.Shape[0], 3, padding: 1, bias: true), UnaryKind.Relu);
                objectness.Add(b.Conv2d("cls_logits", x, anchors, 1, bias: true));
                deltas.Add(b.Conv2d("bbox_pred", x, 4 * anchors, 1, bias: true));
            }
        }
        return [objectness.ToImmutable(), deltas.ToImmutable()];
    }
}
