using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Self-attention whose queries and keys are turned by a rotary embedding: timm.layers.AttentionRope, and EVA's, which differ in how they project.</summary>
internal static class RotaryAttention
{
    /// <summary>x <c>[P + H·W, C]</c> → <c>[P + H·W, C]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Tokens.</param>
    /// <param name="heads">Number of heads, a divisor of C.</param>
    /// <param name="rope">The embedding; null for none.</param>
    /// <param name="project">How queries, keys and values are projected.</param>
    /// <param name="qkvBias">Whether with biases.</param>
    /// <param name="scaleNorm">Norm before the output projection; null for none.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int heads, RotaryEmbedding? rope, QkvProjection project, bool qkvBias = true, NormLayer? scaleNorm = null)
    {
        int width = x.Shape[1];
        using (b.Scope(name))
        {
            (Node q, Node k, Node v) = project(b, x, heads, qkvBias);
            (q, k) = (b.Identity("q_norm", q), b.Identity("k_norm", k));
            if (rope is not null)
            {
                // A bias without a part for the keys is joined from two, in a step that has no node here.
                int joins = project == QkvProjections.WithoutKeyBias && qkvBias ? 1 : 0;
                q = rope.Apply(b, q, ref joins);
                k = rope.Apply(b, k, ref joins);
            }
            x = Attention.MergeHeads(b, Attention.Dot(b, q, k, v));
            x = Norms.OrIdentity(scaleNorm)(b, "norm", x);
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }
}
