using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Attention biases: what each head adds to its scores, one learned number for each distance in rows and columns between query and key, whatever the direction.
/// timm: <c>levit.py</c>, <c>efficientformer.py</c>, <c>efficientformer_v2.py</c>, <c>efficientvit_msra.py</c>. Paper: LeViT, https://arxiv.org/abs/2104.01136
/// </summary>
internal static class AttentionBiases
{
    /// <summary>The open module's parameter <c>attention_biases</c> <c>[heads, H · W]</c> as a mask <c>[heads, queries, H · W]</c>. It depends on no input.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="keys">Height and width of the keys' map.</param>
    /// <param name="stride">Queries are every that many rows and columns of it.</param>
    public static Node Build(GraphBuilder b, int heads, Size2 keys, int stride = 1)
    {
        int length = keys.H * keys.W, columns = (keys.W + stride - 1) / stride, queries = (keys.H + stride - 1) / stride * columns;
        var distances = new int[PositionTable.Length(queries, length)];
        for (int i = 0; i < distances.Length; i++)
        {
            (int query, int key) = (i / length, i % length);
            int dy = Math.Abs(query / columns * stride - key / keys.W), dx = Math.Abs(query % columns * stride - key % keys.W);
            distances[i] = dy * keys.W + dx;
        }
        return b.Reshape(b.Gather(b.Parameter("attention_biases", [heads, length]), 1, distances), [heads, queries, length]);
    }

    /// <summary>softmax(q·kᵀ/√d + biases)·v for each head: q, k, v <c>[heads, L, d]</c>. The steps can be chosen as features; the result does not need them.</summary>
    public static Node Attend(GraphBuilder b, Node q, Node k, Node v, Node biases)
    {
        Node scores = b.Affine(b.MatMul(q, k, transposeB: true), Attention.Scale(q));
        b.Softmax(b.Add(scores, biases), -1);
        return b.Attention(q, k, v, mask: biases, target: "matmul_1");
    }
}
