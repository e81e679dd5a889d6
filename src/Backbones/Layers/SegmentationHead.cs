using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// A small head that labels pixels: pyramid levels of equal width are brought to the finest level's size, summed, refined by a 3×3
/// convolution and classified; the scores are enlarged to the input's size. Paper: Panoptic Feature Pyramid Networks,
/// https://arxiv.org/abs/1901.02446 (its semantic branch, without the intermediate convolutions).
/// </summary>
public static class SegmentationHead
{
    /// <summary>Scores of each class for each input pixel.</summary>
    /// <param name="b">A builder, usually <see cref="GraphBuilder.Extend"/> of a backbone's graph.</param>
    /// <param name="name">Module name.</param>
    /// <param name="levels">Maps <c>[C, H_i, W_i]</c> of equal channels, the finest first.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="height">Height of the result, usually the input's.</param>
    /// <param name="width">Width of the result.</param>
    /// <returns><c>[classes, height, width]</c>, before softmax.</returns>
    /// <exception cref="ArgumentException">There are no levels.</exception>
    /// <exception cref="GraphException">The levels have different channels.</exception>
    public static Node Build(GraphBuilder b, string name, ReadOnlySpan<Node> levels, int classes, int height, int width)
    {
        if (levels.IsEmpty)
            throw new ArgumentException("A segmentation head needs at least one level.", nameof(levels));
        Shape finest = levels[0].Shape;
        using (b.Scope(name))
        {
            Node sum = levels[0];
            foreach (Node level in levels[1..])
            {
                if (level.Shape[0] != finest[0])
                    throw new GraphException($"Pyramid levels must have equal channels: '{levels[0].Name}' has {finest[0]}, '{level.Name}' has {level.Shape[0]}. Put a FeaturePyramidNetwork before the head.");
                sum = b.Add(sum, b.Resize(level, finest[1], finest[2], ResizeMode.Bilinear));
            }
            Node x = b.Act("act", b.BatchNorm("bn", b.Conv2d("conv", sum, finest[0], 3, padding: 1)), UnaryKind.Relu);
            Node scores = b.Conv2d("classifier", x, classes, 1, bias: true);
            return b.Resize(scores, height, width, ResizeMode.Bilinear);
        }
    }
}
