using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Queries, keys and values of each head from tokens <c>[L, C]</c>, as parts <c>[heads, L, d]</c>.</summary>
/// <param name="b">The builder, in the attention's scope.</param>
/// <param name="x">Tokens.</param>
/// <param name="heads">Number of heads.</param>
/// <param name="bias">Whether the layers have biases.</param>
internal delegate (Node Q, Node K, Node V) QkvProjection(GraphBuilder b, Node x, int heads, bool bias);

/// <summary>The ways in which timm projects queries, keys and values.</summary>
internal static class QkvProjections
{
    /// <summary>One layer, <c>qkv</c>.</summary>
    public static (Node Q, Node K, Node V) Joint(GraphBuilder b, Node x, int heads, bool bias) => Split(b, b.Linear("qkv", x, 3 * x.Shape[1], bias), heads);

    /// <summary>One layer whose bias has no part for the keys (BEiT, EVA): the softmax would not see it.</summary>
    public static (Node Q, Node K, Node V) WithoutKeyBias(GraphBuilder b, Node x, int heads, bool bias)
    {
        if (!bias)
            return Joint(b, x, heads, false);
        int width = x.Shape[1];
        Node all = b.Concat(0, [b.Parameter("q_bias", [width]), b.Constant([width], new float[width], "k_bias"), b.Parameter("v_bias", [width])]);
        Node weight;
        using (b.Scope("qkv"))
            weight = b.Parameter("weight", [3 * width, width]);
        return Split(b, b.Function("linear", new LinearOp(true), x, weight, all), heads);
    }

    /// <summary>A layer for each, the keys' without bias.</summary>
    public static (Node Q, Node K, Node V) Separate(GraphBuilder b, Node x, int heads, bool bias)
    {
        return (Heads("q_proj", bias), Heads("k_proj", false), Heads("v_proj", bias));

        Node Heads(string name, bool hasBias)
            => b.Transpose(b.Reshape(b.Linear(name, x, x.Shape[1], hasBias), [x.Shape[0], heads, Attention.HeadWidth(x.Shape[1], heads)]), 0, 1);
    }

    private static (Node Q, Node K, Node V) Split(GraphBuilder b, Node qkv, int heads)
    {
        (int length, int width) = (qkv.Shape[0], qkv.Shape[1] / 3);
        Node parts = b.Permute(b.Reshape(qkv, [length, 3, heads, Attention.HeadWidth(width, heads)]), [1, 2, 0, 3]);
        return (Attention.Part(b, parts, 0), Attention.Part(b, parts, 1), Attention.Part(b, parts, 2));
    }
}
