using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Detection;

/// <summary>SSD's heads, two for each map (torchvision's <c>SSDHead</c> and <c>SSDLiteHead</c>).</summary>
internal static class SsdHead
{
    private static readonly NormLayer s_norm = Norms.BatchNormWith(1e-3f);

    /// <summary>Logits <c>[A · K, H, W]</c> and deltas <c>[A · 4, H, W]</c> of every map.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="maps">The maps.</param>
    /// <param name="anchors">Anchors a pixel of each map.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="isLite">Whether a head is a depthwise and a 1×1 convolution.</param>
    public static ImmutableArray<ImmutableArray<Node>> Build(GraphBuilder b, ImmutableArray<Node> maps, ImmutableArray<int> anchors, int classes, bool isLite)
    {
        return [Branch("classification_head", classes), Branch("regression_head", 4)];

        ImmutableArray<Node> Branch(string name, int columns)
        {
            using (b.Scope($"head.{name}.module_list"))
                return [.. maps.Select((map, i) => isLite ? Lite(b, $"{i}", map, anchors[i] * columns) : b.Conv2d($"{i}", map, anchors[i] * columns, 3, padding: 1, bias: true))];
        }
    }

    private static Node Lite(GraphBuilder b, string name, Node x, int outChannels)
    {
        using (b.Scope(name))
        {
            x = Conv2dNormActivation.Build(b, "0", x, x.Shape[0], 3, s_norm, UnaryKind.Relu6, groups: x.Shape[0]);
            return b.Conv2d("1", x, outChannels, 1, bias: true);
        }
    }
}
