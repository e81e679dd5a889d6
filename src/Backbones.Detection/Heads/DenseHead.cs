using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>The heads of detectors without proposals, shared by all maps: four convolutions each (torchvision's <c>RetinaNetHead</c> and <c>FCOSHead</c>).</summary>
internal static class DenseHead
{
    private const int Convs = 4, GroupNormGroups = 32;

    /// <summary>RetinaNet: logits <c>[A · K, H, W]</c> and deltas <c>[A · 4, H, W]</c> of every map.</summary>
    public static ImmutableArray<ImmutableArray<Node>> RetinaNet(GraphBuilder b, ImmutableArray<Node> maps, int anchors, int classes, bool groupNorm)
    {
        Func<GraphBuilder, Node, int, Node> block = (b, x, i) =>
        {
            using (b.Scope($"conv.{i}"))
            {
                x = b.Conv2d("0", x, x.Shape[0], 3, padding: 1, bias: !groupNorm);
                return groupNorm ? b.Act("2", b.GroupNorm("1", x, GroupNormGroups), UnaryKind.Relu) : b.Act("1", x, UnaryKind.Relu);
            }
        };
        using (b.Scope("head"))
        {
            return
            [
                .. Branch(b, "classification_head", maps, block, ("cls_logits", anchors * classes, false)),
                .. Branch(b, "regression_head", maps, block, ("bbox_reg", anchors * 4, false)),
            ];
        }
    }

    /// <summary>FCOS: logits <c>[A · K, H, W]</c>, distances <c>[A · 4, H, W]</c> and centre-ness <c>[A, H, W]</c> of every map.</summary>
    public static ImmutableArray<ImmutableArray<Node>> Fcos(GraphBuilder b, ImmutableArray<Node> maps, int anchors, int classes)
    {
        Func<GraphBuilder, Node, int, Node> block = (b, x, i) =>
        {
            x = b.Conv2d($"conv.{3 * i}", x, x.Shape[0], 3, padding: 1, bias: true);
            return b.Act($"conv.{3 * i + 2}", b.GroupNorm($"conv.{3 * i + 1}", x, GroupNormGroups), UnaryKind.Relu);
        };
        using (b.Scope("head"))
        {
            return
            [
                .. Branch(b, "classification_head", maps, block, ("cls_logits", anchors * classes, false)),
                .. Branch(b, "regression_head", maps, block, ("bbox_reg", anchors * 4, true), ("bbox_ctrness", anchors, false)),
            ];
        }
    }

    private static ImmutableArray<Node>[] Branch(GraphBuilder b, string name, ImmutableArray<Node> maps, Func<GraphBuilder, Node, int, Node> block, params (string Name, int Channels, bool IsPositive)[] outputs)
    {
        var results = outputs.Select(_ => ImmutableArray.CreateBuilder<Node>()).ToArray();
        using (b.Scope(name))
        {
            foreach (Node map in maps)
            {
                Node x = map;
                for (int i = 0; i < Convs; i++)
                    x = block(b, x, i);
                foreach ((int i, (string output, int channels, bool isPositive)) in outputs.Index())
                {
                    Node y = b.Conv2d(output, x, channels, 3, padding: 1, bias: true);
                    results[i].Add(isPositive ? b.Unary(y, UnaryKind.Relu, "relu") : y);
                }
            }
        }
        return [.. results.Select(r => r.ToImmutable())];
    }
}
