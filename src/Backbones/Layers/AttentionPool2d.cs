using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.AttentionPool2d: the mean of a map attends to all its pixels, with a learned position embedding.
/// Paper: Learning Transferable Visual Models From Natural Language Supervision (CLIP), https://arxiv.org/abs/2103.00020
/// </summary>
internal static class AttentionPool2d
{
    private const int HeadWidth = 64;

    /// <summary>x <c>[C, H, W]</c> → <c>[C]</c> or <c>[C, H, W]</c> before the projection, and the classes of it.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name; its position embedding, <c>[1 + H·W, C]</c>, is what an image size changes (<see cref="PositionEmbedding"/>).</param>
    /// <param name="x">The map.</param>
    /// <param name="numClasses">Width of the projection; 0 for none.</param>
    /// <param name="pool">'token' for the mean's result, or '' for the map of all pixels'.</param>
    /// <exception cref="GraphException">Another pool type.</exception>
    public static (Node PreLogits, Node Logits) Build(GraphBuilder b, string name, Node x, int numClasses, string pool)
    {
        GlobalPool.Require(pool, "token", "");
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int length = 1 + h * w;
        using (b.Scope(name))
        {
            Node position = b.Parameter("pos_embed", [length, channels]);
            x = b.Transpose(b.Flatten(x, 1), 0, 1);
            x = b.Add(b.Concat(0, [b.Reduce(x, ReduceKind.Mean, [0], keepDims: true), x]), position);
            Node q = Heads("q", "transpose_1"), k = Heads("k", "transpose_2"), v = Heads("v", "transpose_3");
            Attention.Maps(b, q, k, scaleTarget: "mul_1", transposeTarget: "transpose_4");
            x = Attention.MergeHeads(b, b.Attention(q, k, v, target: "matmul_1"), "transpose_5");
            x = b.Identity("drop", x);
            Node logits = numClasses > 0 ? b.Linear("proj", x, numClasses) : b.Identity("proj", x);
            return (Pool(x, "#pre_logits"), Pool(logits, "getitem"));
        }

        Node Heads(string projection, string transpose)
            => b.Transpose(b.Reshape(b.Linear(projection, x, channels), [length, channels / HeadWidth, HeadWidth]), 0, 1, transpose);

        Node Pool(Node tokens, string target) => pool.Length > 0
            ? b.Reshape(b.Slice(tokens, 0, 0, 1, target: target), [tokens.Shape[1]], "#first")
            : b.Reshape(b.Permute(b.Slice(tokens, 0, 1, h * w, target: target), [1, 0]), [tokens.Shape[1], h, w]);
    }

    /// <summary>Adapts the position embedding of weights for another image size.</summary>
    /// <param name="pretrainedGrid">Height and width of the map that the weights were trained for.</param>
    /// <param name="grid">Those wanted.</param>
    public static ParameterAdapter PositionEmbedding(Size2 pretrainedGrid, Size2 grid) => (b, source, target) =>
    {
        Node batched = b.Reshape(source, [1, .. source.Shape]);
        Node adapted = ParameterAdapters.PositionEmbedding(1, pretrainedGrid, grid)(b, batched, [1, .. target]);
        return adapted == batched ? source : b.Reshape(adapted, target);
    };
}
