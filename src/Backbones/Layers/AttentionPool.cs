using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Pooling of tokens <c>[L, C]</c> to <c>[C]</c> by attention.</summary>
internal static class AttentionPool
{
    /// <summary>
    /// timm.layers.AttentionPoolLatent: a learned query attends to all tokens, followed by a perceptron (pool type 'map').
    /// Paper: Scaling Vision Transformers, https://arxiv.org/abs/2106.04560
    /// </summary>
    public static Node Latent(GraphBuilder b, string name, Node x, int heads, int mlpHidden, NormLayer norm, ActLayer act)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int headWidth = Attention.HeadWidth(width, heads);
        using (b.Scope(name))
        {
            Node latent = b.Reshape(b.Parameter("latent", [1, 1, width]), [1, width]);
            Node q = b.Transpose(b.Reshape(b.Linear("q", latent, width), [1, heads, headWidth]), 0, 1);
            Node kv = b.Permute(b.Reshape(b.Linear("kv", x, 2 * width), [length, 2, heads, headWidth]), [1, 2, 0, 3]);
            Node k = b.Identity("k_norm", Attention.Part(b, kv, 0)), v = Attention.Part(b, kv, 1);
            // The query depends on no input, so that FX's steps over it (q, transpose, q_norm, mul) have no nodes here.
            b.Softmax(b.MatMul(b.Affine(q, Attention.Scale(q)), b.Transpose(k, -2, -1, "transpose_1")), -1);
            x = Attention.MergeHeads(b, b.Attention(q, k, v, target: "matmul_1"), "transpose_2");
            x = b.Identity("proj_drop", b.Linear("proj", x, width));
            x = b.Add(x, Mlp.Build(b, "mlp", norm(b, "norm", x), mlpHidden, act));
            return b.Reshape(x, [width]);
        }
    }

    /// <summary>
    /// timm.layers.AttentionPoolPrr: self-attention without projections refines the tokens, then the class token or the mean is taken (pool type 'prr').
    /// </summary>
    public static Node Refine(GraphBuilder b, string name, Node x, int heads, bool takeFirst)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope(name))
        {
            x = b.Identity("pre_norm", x);
            Node tokens = b.Transpose(b.Reshape(x, [length, heads, Attention.HeadWidth(width, heads)]), 0, 1);
            x = Attention.MergeHeads(b, Attention.Dot(b, tokens, tokens, tokens, dropout: false));
            x = b.Identity("post_norm", x);
            return takeFirst ? b.Reshape(b.Slice(x, 0, 0, 1), [width]) : b.Reduce(x, ReduceKind.Mean, [0]);
        }
    }
}
