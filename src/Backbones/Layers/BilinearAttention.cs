using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.BatNonLocalAttn: rows and columns of a map are mixed between blocks by matrices that the map itself gives.
/// Paper: Non-Local Neural Networks with Grouped Bilinear Attentional Transforms (CVPR 2020)
/// </summary>
internal static class BilinearAttention
{
    private const int Groups = 2;

    /// <summary>x <c>[C, H, W]</c> → the same shape.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map; its height and width are multiples of <paramref name="blockSize"/>.</param>
    /// <param name="blockSize">Number of blocks in each direction: the size of the matrices.</param>
    /// <exception cref="GraphException">A map that does not divide into the blocks.</exception>
    public static Node Build(GraphBuilder b, string name, Node x, int blockSize)
    {
        int channels = x.Shape[0];
        if (x.Shape[1] % blockSize != 0 || x.Shape[2] % blockSize != 0)
            throw new GraphException($"A map {x.Shape} does not divide into {blockSize}×{blockSize} blocks, which this model's attention needs; take an image whose sides are multiples of 32 · {blockSize}.");
        using (b.Scope(name))
        {
            Node y = Conv(b, "conv1", x, ChannelAttention.MakeDivisible(channels * 0.25));
            y = b.Leaf("ba", () => Transform(b, y, blockSize));
            return b.Add(b.Identity("dropout", Conv(b, "conv2", y, channels)), x);
        }
    }

    /// <summary>timm.layers.BilinearAttnTransform: P · x · Q, with a P and a Q for each group of channels.</summary>
    private static Node Transform(GraphBuilder b, Node x, int n)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Node pooled = Conv(b, "conv1", x, Groups);
        Node p = Matrix("conv_p", b.MaxPool2d("rows", pooled, (h / n, w)), (n, 1), sumAxis: 2);
        Node q = Matrix("conv_q", b.MaxPool2d("columns", pooled, (h, w / n)), (1, n), sumAxis: 1);
        // timm makes P and Q as large as the map, each entry times a unit matrix: the same as mixing blocks of rows, then blocks of columns.
        Node y = b.MatMul(p, b.Reshape(x, [Groups, channels / Groups, n, h / n * w]));
        y = b.MatMul(b.Reshape(q, [Groups, 1, n, n]), b.Reshape(y, [Groups, channels / Groups * h, n, w / n]), transposeA: true);
        return Conv(b, "conv2", b.Reshape(y, [channels, h, w]), channels);

        Node Matrix(string name, Node bands, Size2 kernel, int sumAxis)
        {
            Node m = b.Reshape(b.Conv2d(name, bands, n * n * Groups, kernel, bias: true), [Groups, n, n]);
            m = b.Unary(m, UnaryKind.Sigmoid, "sigmoid");
            return b.Reshape(b.Divide(m, b.Reduce(m, ReduceKind.Sum, [sumAxis], keepDims: true)), [Groups, 1, n, n]);
        }
    }

    private static Node Conv(GraphBuilder b, string name, Node x, int channels) => ConvNormAct.Build(b, name, x, channels, 1, NormActs.BatchNorm, UnaryKind.Relu);
}
