using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Attention whose scores have something added before the softmax: a relative position bias, the mask of shifted windows.</summary>
internal static class BiasedAttention
{
    /// <summary>softmax(q·kᵀ/√d + biases)·v: q, k, v <c>[…, heads, L, d]</c>. The steps of the plain way are nodes too; the result does not need them.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="biases">What is added to the scores <c>[…, heads, L, L]</c>, broadcast; null for nothing.</param>
    public static Node Dot(GraphBuilder b, Node q, Node k, Node v, params ReadOnlySpan<Node?> biases)
    {
        Node scaled = b.Affine(q, Attention.Scale(q));
        return Finish(b, b.MatMul(scaled, b.Transpose(k, -2, -1)), q, k, v, Attention.Scale(q), biases);
    }

    /// <summary>
    /// Cosine attention with a learned temperature for each head, <c>logit_scale</c>. Paper: Swin Transformer V2, https://arxiv.org/abs/2111.09883
    /// </summary>
    /// <param name="b">The builder, in the scope of the parameter.</param>
    /// <param name="q">Queries <c>[windows, heads, L, d]</c>.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="logitScale">The logarithms of the factors, <c>[heads, 1, 1]</c>.</param>
    /// <param name="biases">What is added to the scores, broadcast; null for nothing.</param>
    public static Node Cosine(GraphBuilder b, Node q, Node k, Node v, Node logitScale, params ReadOnlySpan<Node?> biases)
    {
        (q, k) = (Norms.L2Normalize(b, q), Norms.L2Normalize(b, k));
        // exp(min(s, ln 100))
        Node factor = b.Unary(b.Function("clamp", new UnaryOp(UnaryKind.Clamp, float.MinValue, MathF.Log(100)), logitScale), UnaryKind.Exp, "exp");
        Node scores = b.Multiply(b.MatMul(q, b.Transpose(k, -2, -1)), factor);
        return Finish(b, scores, b.Multiply(q, factor, "#scaled"), k, v, 1, biases);
    }

    /// <summary>Attention to whose scores a module <c>rel_pos</c> adds its bias.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="scores">The scores by the plain way, nodes for those who choose them.</param>
    /// <param name="q">Queries <c>[…, heads, L, d]</c>.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="bias">Makes the bias <c>[heads, L, L]</c> in the module's scope.</param>
    public static Node WithRelPos(GraphBuilder b, Node scores, Node q, Node k, Node v, float scale, Func<Node> bias)
    {
        Node added;
        using (b.Scope("rel_pos"))
            scores = b.Add(scores, added = bias());
        b.Identity("attn_drop", b.Softmax(scores, -1));
        return b.Attention(q, k, v, scale, added, "matmul_1");
    }

    private static Node Finish(GraphBuilder b, Node scores, Node q, Node k, Node v, float scale, ReadOnlySpan<Node?> biases)
    {
        Node? sum = null;
        foreach (Node? bias in biases)
        {
            if (bias is null)
                continue;
            scores = b.Add(scores, bias);
            sum = sum is null ? bias : b.Add(sum, bias, "#bias");
        }
        b.Identity("attn_drop", b.Softmax(scores, -1));
        return b.Attention(q, k, v, scale, sum, "matmul_1");
    }
}
