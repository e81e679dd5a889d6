using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.BottleneckAttn: self-attention over all pixels of a map, with relative positions.
/// Paper: Bottleneck Transformers for Visual Recognition, https://arxiv.org/abs/2101.11605
/// </summary>
internal static class BottleneckAttention
{
    private const int Heads = 4;

    /// <summary>x <c>[C, H, W]</c> → <c>[C, H/stride, W/stride]</c>; the tables of positions are for this height and width alone.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="stride">1, or 2 by average pooling at the end.</param>
    /// <param name="headWidth">Width of a head's queries and keys; null for C / 4.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int stride, int? headWidth = null)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int width = headWidth ?? ChannelAttention.MakeDivisible(channels) / Heads, length = h * w;
        using (b.Scope(name))
        {
            Node qkv = b.Conv2d("qkv", x, 2 * Heads * width + channels, 1);
            Node q = b.Transpose(Split(0, width), 1, 2), k = Split(Heads * width, width), v = b.Transpose(Split(2 * Heads * width, channels / Heads), 1, 2);
            Node scores = b.Affine(b.MatMul(q, k), Attention.Scale(q), target: "mul_3");
            Node position = b.Reshape(RelativeLogits.Build(b, "pos_embed", b.Reshape(q, [Heads, h, w, width], "#grid"), (h, w)), [Heads, length, length], "#pos_embed");
            b.Softmax(b.Add(scores, position), -1);
            x = b.Attention(q, b.Transpose(k, 1, 2, "#keys"), v, mask: position, target: "matmul_1");
            x = b.Reshape(b.Transpose(x, 1, 2), [channels, h, w]);
            return stride == 2 ? b.AvgPool2d("pool", x, 2) : b.Identity("pool", x);

            Node Split(int start, int size) => b.Reshape(b.Slice(qkv, 0, start, Heads * size), [Heads, size, length]);
        }
    }
}
