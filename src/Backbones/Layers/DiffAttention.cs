using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.DiffAttention: each head's attention map is the difference of two, the second weighted by a learned λ.
/// Paper: Differential Transformer, https://arxiv.org/abs/2410.05258
/// </summary>
internal static class DiffAttention
{
    /// <summary>x <c>[L, C]</c> → <c>[L, C]</c>. <paramref name="depth"/> is the number of the block, which sets λ's offset.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int heads, int depth, bool qkvBias = true, bool projBias = true)
    {
        int width = x.Shape[1];
        using (b.Scope(name))
        {
            b.Declare("qkv", "proj", "sub_norm");
            Node qkv = b.Linear("qkv", x, 3 * width, qkvBias);
            x = Heads(b, b.Slice(qkv, 1, 0, width), b.Slice(qkv, 1, width, width), b.Slice(qkv, 1, 2 * width, width), heads, depth);
            return b.Identity("proj_drop", b.Linear("proj", b.Identity("norm", x), width, projBias));
        }
    }

    /// <summary>The attention itself: q, k, v <c>[L, C]</c> → <c>[L, C]</c>, with the parameters λ and <c>sub_norm</c> of the open module.</summary>
    internal static Node Heads(GraphBuilder b, Node q, Node k, Node v, int heads, int depth)
    {
        (int length, int width) = (q.Shape[0], q.Shape[1]);
        int half = Attention.HeadWidth(width, 2 * heads);
        q = b.Transpose(b.Reshape(q, [length, 2 * heads, half]), 0, 1);
        k = b.Transpose(b.Reshape(k, [length, 2 * heads, half]), 0, 1);
        v = b.Transpose(b.Reshape(v, [length, heads, 2 * half]), 0, 1);
        (q, k) = (b.Identity("q_norm", q), b.Identity("k_norm", k));

        float init = (float)(0.8 - 0.6 * Math.Exp(-0.3 * depth));
        Node lambda = b.Affine(b.Subtract(LambdaTerm(b, "lambda_q1", "lambda_k1", half), LambdaTerm(b, "lambda_q2", "lambda_k2", half)), 1, init);

        // FX counts λ's arithmetic, which has no nodes here, among the names.
        Node maps = b.Identity("attn_drop", Attention.Maps(b, q, k, "mul_2", "transpose_3"));
        Node pairs = b.Reshape(maps, [heads, 2, length, length], "view");
        b.Subtract(Map(b, pairs, 0), b.Multiply(lambda, Map(b, pairs, 1), "mul_3"), "sub_1");
        Node x = b.Leaf("matmul_1", () => b.Subtract(HalfHeads(b, q, k, v, 0), b.Multiply(lambda, HalfHeads(b, q, k, v, 1))));

        x = Norms.RmsNorm(1e-5f)(b, "sub_norm", x);
        x = b.Affine(x, 1 - init, target: "mul_4");
        return Attention.MergeHeads(b, x, "transpose_4");
    }

    private static Node LambdaTerm(GraphBuilder b, string q, string k, int width)
        => b.Unary(b.Reduce(b.Multiply(b.Parameter(q, [width]), b.Parameter(k, [width])), ReduceKind.Sum, [0], keepDims: true), UnaryKind.Exp, "exp");

    private static Node Map(GraphBuilder b, Node pairs, int which) => b.Slice(pairs, 1, which, 1);

    private static Node HalfHeads(GraphBuilder b, Node q, Node k, Node v, int which)
    {
        int heads = v.Shape[0];
        return b.Attention(b.Slice(q, 0, which, heads, 2), b.Slice(k, 0, which, heads, 2), v);
    }
}
