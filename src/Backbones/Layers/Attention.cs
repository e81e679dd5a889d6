using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.Attention: multi-head self-attention over tokens <c>[L, C]</c>.
/// Paper: Attention Is All You Need, https://arxiv.org/abs/1706.03762
/// </summary>
internal static class Attention
{
    /// <summary>x <c>[L, C]</c> → <c>[L, C]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Tokens.</param>
    /// <param name="heads">Number of heads, a divisor of C.</param>
    /// <param name="qkvBias">Whether queries, keys and values have a bias.</param>
    /// <param name="projBias">Whether the output projection has one.</param>
    /// <param name="qkNorm">Norm of each head's queries and keys; null for none.</param>
    /// <param name="scaleNorm">Norm before the output projection; null for none.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int heads, bool qkvBias = true, bool projBias = true, NormLayer? qkNorm = null, NormLayer? scaleNorm = null)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope(name))
        {
            Node qkv = b.Reshape(b.Linear("qkv", x, 3 * width, qkvBias), [length, 3, heads, HeadWidth(width, heads)]);
            qkv = b.Permute(qkv, [1, 2, 0, 3]);
            Node q = Norms.OrIdentity(qkNorm)(b, "q_norm", Part(b, qkv, 0)), k = Norms.OrIdentity(qkNorm)(b, "k_norm", Part(b, qkv, 1));
            x = MergeHeads(b, Dot(b, q, k, Part(b, qkv, 2)));
            x = Norms.OrIdentity(scaleNorm)(b, "norm", x);
            return b.Identity("proj_drop", b.Linear("proj", x, width, projBias));
        }
    }

    /// <summary>softmax(q·kᵀ/√d)·v for each head: q, k, v <c>[heads, L, d]</c>. The steps of the plain way are nodes too (attention maps: <c>softmax</c>).</summary>
    internal static Node Dot(GraphBuilder b, Node q, Node k, Node v, bool dropout = true)
    {
        Node maps = Maps(b, q, k);
        if (dropout)
            b.Identity("attn_drop", maps);
        // FX has two products: the scores above, and this one.
        return b.Attention(q, k, v, target: "matmul_1");
    }

    /// <summary>The same, the steps in the order of timm's older files: the scores are scaled, and not the queries.</summary>
    internal static Node DotThenScale(GraphBuilder b, Node q, Node k, Node v)
    {
        Node scores = b.MatMul(q, b.Transpose(k, -2, -1));
        b.Identity("attn_drop", b.Softmax(b.Affine(scores, Scale(q)), -1));
        return b.Attention(q, k, v, target: "matmul_1");
    }

    /// <summary>The attention maps <c>[heads, L, L]</c> by the plain way: for those who choose them, the result does not need them.</summary>
    internal static Node Maps(GraphBuilder b, Node q, Node k, string scaleTarget = "mul", string transposeTarget = "transpose")
    {
        Node scaled = b.Affine(q, Scale(q), target: scaleTarget);
        return b.Softmax(b.MatMul(scaled, b.Transpose(k, -2, -1, transposeTarget)), -1);
    }

    internal static float Scale(Node q) => 1f / MathF.Sqrt(q.Shape[^1]);

    /// <summary><c>[heads, L, d]</c> → <c>[L, heads · d]</c>.</summary>
    internal static Node MergeHeads(GraphBuilder b, Node x, string target = "transpose")
        => b.Reshape(b.Transpose(x, 0, 1, target), [x.Shape[1], x.Shape[0] * x.Shape[2]]);

    /// <summary>Width of a head.</summary>
    /// <exception cref="GraphException">The heads do not divide the width.</exception>
    internal static int HeadWidth(int width, int heads)
        => width % heads == 0 ? width / heads : throw new GraphException($"{heads} heads do not divide {width} channels.");

    /// <summary>Part i of <c>[parts, heads, L, d]</c>.</summary>
    internal static Node Part(GraphBuilder b, Node parts, int i) => b.Reshape(b.Slice(parts, 0, i, 1), [.. parts.Shape.Dimensions[1..]]);
}
