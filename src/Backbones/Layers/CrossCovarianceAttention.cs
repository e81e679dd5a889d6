using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Cross-covariance attention: channels attend to channels, by the cosine of their values over all tokens, so that its cost grows with the tokens and not with their square.
/// timm: XCA (<c>xcit.py</c>), CrossCovarianceAttn (<c>edgenext.py</c>). Paper: XCiT, https://arxiv.org/abs/2106.09681
/// </summary>
internal static class CrossCovarianceAttention
{
    /// <summary>x <c>[L, C]</c> → <c>[L, C]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int heads, bool qkvBias = true)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope(name))
        {
            Node temperature = b.Parameter("temperature", [heads, 1, 1]);
            Node qkv = b.Reshape(b.Linear("qkv", x, 3 * width, qkvBias), [length, 3, heads, Attention.HeadWidth(width, heads)]);
            qkv = b.Permute(qkv, [1, 2, 3, 0]);
            Node q = Norms.L2Normalize(b, Attention.Part(b, qkv, 0)), k = Norms.L2Normalize(b, Attention.Part(b, qkv, 1)), v = Attention.Part(b, qkv, 2);
            // The steps can be chosen as features; the result does not need them.
            Node scores = b.Multiply(b.MatMul(q, b.Transpose(k, -2, -1)), temperature);
            b.Identity("attn_drop", b.Softmax(scores, -1));
            x = b.Leaf("matmul_1", () => b.Attention(b.Multiply(q, temperature), k, v, scale: 1));
            x = b.Reshape(b.Permute(x, [2, 0, 1]), [length, width]);
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }
}
