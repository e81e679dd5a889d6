using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.MultiQueryAttention2d: attention over the pixels of a map whose heads share keys and values, which may come from a smaller map.
/// Papers: Fast Transformer Decoding, https://arxiv.org/abs/1911.02150; MobileNetV4, https://arxiv.org/abs/2404.10518
/// </summary>
internal static class MultiQueryAttention2d
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H, W]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="headDim">Length of a query, a key and a value.</param>
    /// <param name="norm">Normalisation of the smaller map.</param>
    /// <param name="stride">Stride of the depthwise convolution that makes the map of keys and values; 1 for none.</param>
    /// <param name="kernel">Its kernel.</param>
    /// <param name="dilation">Its dilation.</param>
    /// <param name="pad">Its padding.</param>
    public static Node Build(
        GraphBuilder b, string name, Node x, int outChannels, int heads, int headDim, NormActLayer norm,
        int stride = 1, int kernel = 3, int dilation = 1, PadType pad = PadType.Symmetric)
    {
        (int h, int w) = (x.Shape[1], x.Shape[2]);
        using (b.Scope(name))
        {
            Node q = b.Reshape(b.Conv2d("query.proj", x, heads * headDim, 1), [heads, headDim, h * w]);
            q = b.Identity("contiguous", b.Transpose(q, -1, -2));
            Node k = SharedTokens("key"), v = SharedTokens("value");
            Node o = Attend(b, q, k, v);
            o = b.Reshape(b.Transpose(o, 0, 1), [h, w, heads * headDim]);
            o = b.Identity("contiguous", b.Permute(o, [2, 0, 1]));
            using (b.Scope("output"))
                return b.Identity("drop", b.Conv2d("proj", o, outChannels, 1));
        }

        Node SharedTokens(string part)
        {
            Node t = x;
            using (b.Scope(part))
            {
                if (stride > 1)
                    t = norm(b, "norm", Conv2dPadding.Conv2d(b, "down_conv", t, t.Shape[0], kernel, pad, stride, dilation, t.Shape[0]), null);
                t = b.Conv2d("proj", t, headDim, 1);
            }
            int length = t.Shape[1] * t.Shape[2];
            t = b.Transpose(b.Reshape(t, [headDim, length]), 0, 1);
            return b.Identity("contiguous", b.Reshape(t, [1, length, headDim], "unsqueeze"));
        }
    }

    /// <summary>Attention of q <c>[heads, Lq, d]</c> over shared k and v <c>[1, Lk, d]</c>.</summary>
    private static Node Attend(GraphBuilder b, Node q, Node k, Node v)
    {
        (int heads, int length, int d) = (q.Shape[0], q.Shape[1], q.Shape[2]);
        // The steps can be chosen as features; the result does not need them.
        Node scores = b.MatMul(b.Affine(q, 1f / MathF.Sqrt(d)), b.Transpose(k, -1, -2));
        b.Identity("attn_drop", b.Softmax(scores, -1));
        // What the heads share needs no copies when their queries stand one after another.
        return b.Leaf("matmul", () => b.Reshape(b.Attention(b.Reshape(q, [1, heads * length, d]), k, v), [heads, length, d]));
    }
}
