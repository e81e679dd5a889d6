using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.HaloAttn: the pixels of a block attend to the block and a border around it.
/// Paper: Scaling Local Self-Attention for Parameter Efficient Visual Backbones, https://arxiv.org/abs/2103.12731
/// </summary>
internal static class HaloAttention
{
    /// <summary>x <c>[C, H, W]</c> → <c>[C, H/stride, W/stride]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map; its height and width are multiples of the block size.</param>
    /// <param name="stride">1, or 2: by strided queries, or by average pooling where the block size is odd.</param>
    /// <param name="blockSize">Height and width of a block.</param>
    /// <param name="haloSize">Width of the border.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="headWidth">Width of a head's queries and keys; null for the ratio's.</param>
    /// <param name="qkRatio">Width of queries and keys, relative to C.</param>
    /// <exception cref="GraphException">A map that does not divide into blocks.</exception>
    public static Node Build(GraphBuilder b, string name, Node x, int stride, int blockSize = 8, int haloSize = 3, int heads = 8, int? headWidth = null, double qkRatio = 1)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        if (h % blockSize != 0 || w % blockSize != 0)
            throw new GraphException($"A map {x.Shape} does not divide into blocks of {blockSize}×{blockSize} pixels, which this model's halo attention needs; take an image whose sides are multiples of {blockSize} at that map's stride.");
        int width = headWidth ?? ChannelAttention.MakeDivisible(channels * qkRatio) / heads, valueWidth = channels / heads;
        int rows = h / blockSize, columns = w / blockSize, blocks = rows * columns, window = blockSize + 2 * haloSize;
        bool pools = stride > 1 && blockSize % stride != 0;
        int queryStride = pools ? 1 : stride, size = blockSize / queryStride;
        using (b.Scope(name))
        {
            b.Declare("q", "kv", "pos_embed");
            Node q = b.Reshape(b.Conv2d("q", x, heads * width, 1, queryStride), [heads, width, rows, size, columns, size]);
            q = b.Reshape(b.Permute(q, [0, 1, 3, 5, 2, 4]), [heads, width, size * size, blocks]);
            q = b.Transpose(q, 1, 3);

            Node kv = b.Pad2d(b.Conv2d("kv", x, heads * (width + valueWidth), 1), haloSize);
            kv = Unfold(b, Unfold(b, kv, 1, rows, window, blockSize), 2, columns, window, blockSize);
            kv = b.Permute(b.Reshape(kv, [heads, width + valueWidth, blocks, window * window]), [0, 2, 3, 1]);
            Node k = b.Slice(kv, 3, 0, width), v = b.Slice(kv, 3, width, valueWidth);

            Node scores = b.Affine(b.MatMul(q, b.Transpose(k, -1, -2)), Attention.Scale(q), target: "mul_3");
            Node position = RelativeLogits.Build(b, "pos_embed", b.Reshape(q, [heads * blocks, size, size, width], "#grid"), window);
            position = b.Reshape(position, [heads, blocks, size * size, window * window], "#pos_embed");
            b.Softmax(b.Add(scores, position), -1);
            x = b.Transpose(b.Attention(q, k, v, mask: position, target: "matmul_1"), 1, 3);
            x = b.Permute(b.Reshape(x, [channels, size, size, rows, columns]), [0, 3, 1, 4, 2]);
            x = b.Reshape(x, [channels, rows * size, columns * size], "view");
            return pools ? b.AvgPool2d("pool", x, 2) : b.Identity("pool", x);
        }
    }

    /// <summary>Overlapping windows along an axis, as torch's unfold: <c>[…, A, …]</c> → <c>[…, count, …, size]</c>.</summary>
    private static Node Unfold(GraphBuilder b, Node x, int axis, int count, int size, int step)
    {
        int[] indices = [.. Enumerable.Range(0, count * size).Select(i => i / size * step + i % size)];
        int[] dims = [.. x.Shape.Dimensions];
        x = b.Reshape(b.Gather(x, axis, indices, "#windows"), [.. dims[..axis], count, size, .. dims[(axis + 1)..]], "#split");
        int[] order = [.. Enumerable.Range(0, x.Shape.Rank).Where(i => i != axis + 1), axis + 1];
        return b.Permute(x, order, "unfold");
    }
}
