using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The blocks: tokens <c>[L, C]</c> → <c>[L, C]</c>.</content>
internal static partial class VisionTransformer
{
    /// <summary>Attention, then a perceptron, a norm before each.</summary>
    private static Node PreNormBlock(GraphBuilder b, Config config, Node x, int depth)
    {
        Node y = Attend(b, config, config.Norm(b, "norm1", x), depth);
        x = b.Add(x, b.Identity("drop_path1", LayerScale.Build(b, "ls1", y, config.LayerScale)));
        y = config.Mlp(b, config, config.Norm(b, "norm2", x));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, config.LayerScale)));
    }

    /// <summary>The norm behind attention and perceptron.</summary>
    private static Node PostNormBlock(GraphBuilder b, Config config, Node x, int depth)
    {
        x = b.Add(x, b.Identity("drop_path1", config.Norm(b, "norm1", Attend(b, config, x, depth))));
        return b.Add(x, b.Identity("drop_path2", config.Norm(b, "norm2", config.Mlp(b, config, x))));
    }

    /// <summary>Attention and perceptron side by side, from one projection. Paper: Scaling Vision Transformers to 22 Billion Parameters, https://arxiv.org/abs/2302.05442</summary>
    private static Node ParallelScalingBlock(GraphBuilder b, Config config, Node x, int depth)
    {
        (Node hidden, Node q, Node k, Node v) = JointProjection(b, config, x);
        NormLayer qkNorm = Norms.OrIdentity(config.QkNorm ? config.Norm : null);
        q = b.Transpose(qkNorm(b, "q_norm", SplitHeads(b, config, q)), 0, 1);
        k = b.Transpose(qkNorm(b, "k_norm", SplitHeads(b, config, k)), 0, 1);
        v = b.Transpose(SplitHeads(b, config, v), 0, 1);
        Node attended = Attention.MergeHeads(b, Attention.Dot(b, q, k, v));
        hidden = b.Identity("mlp_drop", config.Act(b, "mlp_act", hidden));
        Node y = b.Add(b.Linear("attn_out_proj", attended, config.Width, config.ProjBias), b.Linear("mlp_out_proj", hidden, config.Width, config.ProjBias));
        return b.Add(x, b.Identity("drop_path", LayerScale.Build(b, "ls", y, config.LayerScale)));
    }

    /// <summary>The same with differential attention.</summary>
    private static Node DiffParallelScalingBlock(GraphBuilder b, Config config, Node x, int depth)
    {
        (Node hidden, Node q, Node k, Node v) = JointProjection(b, config, x);
        Node attended = DiffAttention.Heads(b, q, k, v, config.Heads, depth);
        hidden = b.Identity("mlp_drop", config.Act(b, "mlp_act", hidden));
        Node y = b.Linear("out_proj", b.Concat(1, [attended, hidden]), config.Width, config.ProjBias);
        // FX counts an addition in the arithmetic of λ among the names.
        return b.Add(x, b.Identity("drop_path", LayerScale.Build(b, "ls", y, config.LayerScale)), "add_1");
    }

    /// <summary>One projection for the perceptron's hidden layer, queries, keys and values.</summary>
    private static (Node Hidden, Node Q, Node K, Node V) JointProjection(GraphBuilder b, Config config, Node x)
    {
        int hidden = config.MlpHidden, width = config.Width;
        Node y = b.Linear("in_proj", config.Norm(b, "in_norm", x), hidden + 3 * width, config.QkvBias);
        Node first = b.Slice(y, 1, 0, hidden);
        if (!config.QkvBias)
            first = b.Add(first, b.Parameter("mlp_bias", [hidden]));
        return (first, b.Slice(y, 1, hidden, width), b.Slice(y, 1, hidden + width, width), b.Slice(y, 1, hidden + 2 * width, width));
    }

    private static Node SplitHeads(GraphBuilder b, Config config, Node x)
        => b.Reshape(x, [x.Shape[0], config.Heads, Attention.HeadWidth(config.Width, config.Heads)], "view");

    /// <summary>Two attentions side by side, then two perceptrons. Paper: Three things everyone should know about Vision Transformers, https://arxiv.org/abs/2203.09795</summary>
    private static Node ParallelThingsBlock(GraphBuilder b, Config config, Node x, int depth)
    {
        x = Sum("attns", y => Attend(b, config, y, depth));
        return Sum("ffns", y => config.Mlp(b, config, y));

        Node Sum(string name, Func<Node, Node> layer)
        {
            var parts = new Node[2];
            for (int i = 0; i < parts.Length; i++)
            {
                using (b.Scope($"{name}.{i}"))
                    parts[i] = b.Identity("drop_path", LayerScale.Build(b, "ls", layer(config.Norm(b, "norm", x)), config.LayerScale));
            }
            return b.Add(x, b.Add(parts[0], parts[1], "sum"));
        }
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, int depth) => config.DiffAttention
        ? DiffAttention.Build(b, "attn", x, config.Heads, depth, config.QkvBias, config.ProjBias)
        : Attention.Build(b, "attn", x, config.Heads, config.QkvBias, config.ProjBias, config.QkNorm ? config.Norm : null, config.ScaleNorms ? config.Norm : null);

    private static Node PlainMlp(GraphBuilder b, Config config, Node x)
        => Mlp.Build(b, "mlp", x, config.MlpHidden, config.Act, config.ScaleNorms ? config.Norm : null, bias: config.ProjBias);

    private static Node SwiGlu(GraphBuilder b, Config config, Node x) => Mlp.SwiGlu(b, "mlp", x, config.MlpHidden, config.ProjBias);

    private static Node SwiGluPacked(GraphBuilder b, Config config, Node x) => Mlp.SwiGluPacked(b, "mlp", x, config.MlpHidden, config.Act, config.ProjBias);
}
