using Backbones.Graphs;

namespace Backbones.Segmentation;

/// <summary>torchvision's FCNHead: a 3×3 convolution to a quarter of the channels, then a score of each class for each pixel of the map.
/// Paper: Fully Convolutional Networks for Semantic Segmentation, https://arxiv.org/abs/1411.4038</summary>
public static class FcnHead
{
    /// <summary>Adds the head; its parameters have torchvision's names (<c>0.weight</c>, <c>1.running_mean</c>, <c>4.bias</c>).</summary>
    /// <param name="b">The builder, usually one that extends a selection (<see cref="SelectedFeatures.Extend"/>).</param>
    /// <param name="name">Module name: torchvision's are <c>classifier</c> and <c>aux_classifier</c>.</param>
    /// <param name="x">Map <c>[C, H, W]</c>, C at least 4.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <returns><c>[numClasses, H, W]</c>, before softmax.</returns>
    public static Node Build(GraphBuilder b, string name, Node x, int numClasses)
    {
        using (b.Scope(name))
        {
            x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", x, x.Shape[0] / 4, 3, padding: 1)), UnaryKind.Relu);
            return b.Conv2d("4", b.Identity("3", x), numClasses, 1, bias: true);
        }
    }
}
