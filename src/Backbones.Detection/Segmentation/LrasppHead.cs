using Backbones.Graphs;

namespace Backbones.Segmentation;

/// <summary>torchvision's LRASPPHead: a coarse map, weighted by what the picture shows as a whole, and the scores of a fine one added. Paper: Searching for MobileNetV3,
/// https://arxiv.org/abs/1905.02244</summary>
public static class LrasppHead
{
    private const int Width = 128;

    /// <summary>Adds the head; its parameters have torchvision's names (<c>cbr.0.weight</c>, <c>scale.1.weight</c>, <c>low_classifier.weight</c>).</summary>
    /// <param name="b">The builder, usually one that extends a selection (<see cref="SelectedFeatures.Extend"/>).</param>
    /// <param name="name">Module name, in torchvision <c>classifier</c>.</param>
    /// <param name="low">The fine map <c>[C, H, W]</c>, in torchvision of stride 8.</param>
    /// <param name="high">The coarse map, in torchvision of stride 16.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <returns><c>[numClasses, H, W]</c> of the fine map's size, before softmax.</returns>
    public static Node Build(GraphBuilder b, string name, Node low, Node high, int numClasses)
    {
        using (b.Scope(name))
        {
            Node x, scale;
            using (b.Scope("cbr"))
                x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", high, Width, 1)), UnaryKind.Relu);
            using (b.Scope("scale"))
            {
                scale = b.Module("0", new ReduceOp(ReduceKind.Mean, [1, 2], KeepDims: true), high);
                scale = b.Act("2", b.Conv2d("1", scale, Width, 1), UnaryKind.Sigmoid);
            }
            x = b.Resize(b.Multiply(x, scale), low.Shape[1], low.Shape[2], ResizeMode.Bilinear);
            Node fine = b.Conv2d("low_classifier", low, numClasses, 1, bias: true);
            return b.Add(fine, b.Conv2d("high_classifier", x, numClasses, 1, bias: true));
        }
    }
}
