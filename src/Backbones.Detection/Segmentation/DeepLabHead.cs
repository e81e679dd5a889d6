using Backbones.Graphs;

namespace Backbones.Segmentation;

/// <summary>torchvision's DeepLabHead: the map seen through convolutions of several dilations and as a whole (atrous spatial pyramid pooling), then a score of each class for each pixel of the map.
/// Paper: Rethinking Atrous Convolution for Semantic Image Segmentation, https://arxiv.org/abs/1706.05587</summary>
public static class DeepLabHead
{
    private const int Width = 256;

    /// <summary>Adds the head; its parameters have torchvision's names (<c>0.convs.0.0.weight</c>, <c>0.project.0.weight</c>, <c>4.bias</c>).</summary>
    /// <param name="b">The builder, usually one that extends a selection (<see cref="SelectedFeatures.Extend"/>).</param>
    /// <param name="name">Module name, in torchvision <c>classifier</c>.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <returns><c>[numClasses, H, W]</c>, before softmax.</returns>
    public static Node Build(GraphBuilder b, string name, Node x, int numClasses)
    {
        using (b.Scope(name))
        {
            x = Aspp(b, "0", x, [12, 24, 36]);
            x = b.Act("3", b.BatchNorm("2", b.Conv2d("1", x, Width, 3, padding: 1)), UnaryKind.Relu);
            return b.Conv2d("4", x, numClasses, 1, bias: true);
        }
    }

    private static Node Aspp(GraphBuilder b, string name, Node x, ReadOnlySpan<int> rates)
    {
        using (b.Scope(name))
        {
            var views = new List<Node> { ConvNormRelu(b, "convs.0", 0, x) };
            foreach (int rate in rates)
            {
                using (b.Scope($"convs.{views.Count}"))
                    views.Add(b.Act("2", b.BatchNorm("1", b.Conv2d("0", x, Width, 3, padding: rate, dilation: rate)), UnaryKind.Relu));
            }
            using (b.Scope($"convs.{views.Count}"))
            {
                Node whole = b.Module("0", new ReduceOp(ReduceKind.Mean, [1, 2], KeepDims: true), x);
                views.Add(b.Resize(ConvNormRelu(b, "", 1, whole), x.Shape[1], x.Shape[2], ResizeMode.Bilinear));
            }
            using (b.Scope("project"))
                return b.Identity("3", ConvNormRelu(b, "", 0, b.Concat(0, [.. views])));
        }
    }

    /// <summary>A 1×1 convolution and what follows it, in modules numbered from <paramref name="first"/> on.</summary>
    private static Node ConvNormRelu(GraphBuilder b, string name, int first, Node x)
    {
        using (b.Scope(name))
            return b.Act($"{first + 2}", b.BatchNorm($"{first + 1}", b.Conv2d($"{first}", x, Width, 1)), UnaryKind.Relu);
    }
}
