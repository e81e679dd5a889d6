using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ConViT: a vision transformer whose first blocks mix attention by content with attention by place.
/// timm: <c>convit.py</c>. Paper: ConViT: Improving Vision Transformers with Soft Convolutional Inductive Biases, https://arxiv.org/abs/2103.10697
/// </summary>
internal static class ConViT
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int Heads)
    {
        public int HeadWidth { get; init; } = 48;

        public int PatchSize { get; init; } = 16;

        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; }

        public bool PositionEmbedding { get; init; } = true;

        public int Depth { get; init; } = 12;

        /// <summary>Blocks with positional attention; behind them the class token comes in.</summary>
        public int LocalUpTo { get; init; } = 10;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        TokenPool.Require(options.GlobalPool, "token", "avg", "");
        int width = config.HeadWidth * config.Heads;
        Node classToken = b.Reshape(b.Parameter("cls_token", [1, 1, width]), [1, width]);
        (Node x, Size2 grid) = PatchEmbed.Build(b, "patch_embed", b.Input, config.PatchSize, width);
        if (grid.H != grid.W)
            throw new GraphException($"ConViT takes square images: its attention by place is for a square grid of patches, not for {grid.H}×{grid.W}.");
        if (config.PositionEmbedding)
            x = b.Add(x, b.Reshape(b.Parameter("pos_embed", [1, .. x.Shape]), x.Shape));
        x = b.Identity("pos_drop", x);
        for (int i = 0; i < config.Depth; i++)
        {
            if (i == config.LocalUpTo)
                x = b.Concat(0, [classToken, x]);
            using (b.Scope($"blocks.{i}"))
            {
                Node y = Norms.LayerNorm()(b, "norm1", x);
                y = i < config.LocalUpTo ? GatedPositionalAttention(b, config, "attn", y, grid.W) : SelfAttention(b, config, "attn", y);
                x = b.Add(x, b.Identity("drop_path", y));
                y = Mlp.Build(b, "mlp", Norms.LayerNorm()(b, "norm2", x), (int)(config.MlpRatio * width), ActLayers.Torch(UnaryKind.Gelu));
                x = b.Add(x, b.Identity("drop_path", y));
            }
        }
        Node features = Norms.LayerNorm()(b, "norm", x);
        Node pooled = b.Identity("head_drop", TokenPool.Pool(b, features, options.GlobalPool, prefixTokens: 1));
        Node logits = Classifier.Fc(b, "head", pooled, options.NumClasses);
        return BackboneGraph.OfLevels(b, [new FeatureLevel(width, 0, "head", logits)], features, (pooled, logits)) with
        {
            NumFeatures = width,
            HeadHiddenSize = width,
            Intermediates = null,
            RefusesPyramid = true,
        };
    }

    /// <summary>
    /// Attention maps of content and of place, mixed in a learned proportion g for each head: both have rows that sum to 1, so that the mixture has them too.
    /// The map of place is a function of parameters alone.
    /// </summary>
    private static Node GatedPositionalAttention(GraphBuilder b, Config config, string name, Node x, int side) => b.Leaf(name, () =>
    {
        (int length, int width, int heads) = (x.Shape[0], x.Shape[1], config.Heads);
        int headWidth = width / heads;
        b.Declare("qk", "v", "proj", "pos_proj");
        Node gate = b.Unary(b.Reshape(b.Parameter("gating_param", [heads]), [heads, 1, 1]), UnaryKind.Sigmoid, "sigmoid");
        Node qk = b.Permute(b.Reshape(b.Linear("qk", x, 2 * width, config.QkvBias), [length, 2, heads, headWidth]), [1, 2, 0, 3]);
        Node v = b.Permute(b.Reshape(b.Linear("v", x, width, config.QkvBias), [length, heads, headWidth]), [1, 0, 2]);
        Node content = b.Attention(Attention.Part(b, qk, 0), Attention.Part(b, qk, 1), v);

        Node places = b.Constant([length, length, 3], Distances(side), "rel_indices");
        Node map = b.Softmax(b.Permute(b.Linear("pos_proj", places, heads), [2, 0, 1]), -1);
        Node place = b.MatMul(b.Multiply(map, gate), v);
        x = b.Add(b.Multiply(content, b.Affine(gate, -1, 1)), place);
        return b.Linear("proj", Attention.MergeHeads(b, x), width);
    });

    /// <summary>From each token (row) to each other (column): steps right, steps down, squared distance.</summary>
    private static float[] Distances(int side)
    {
        int length = side * side;
        var values = new float[PositionTable.Length(length, length, 3)];
        for (int from = 0; from < length; from++)
        {
            for (int to = 0; to < length; to++)
            {
                int dx = to % side - from % side, dy = to / side - from / side, at = (from * length + to) * 3;
                (values[at], values[at + 1], values[at + 2]) = (dx, dy, dx * dx + dy * dy);
            }
        }
        return values;
    }

    private static Node SelfAttention(GraphBuilder b, Config config, string name, Node x)
    {
        (int length, int width, int heads) = (x.Shape[0], x.Shape[1], config.Heads);
        using (b.Scope(name))
        {
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, config.QkvBias), [length, 3, heads, width / heads]), [1, 2, 0, 3]);
            x = Attention.MergeHeads(b, Attention.DotThenScale(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2)));
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        // The width of a head, here.
        ["embed_dim"] = (c, v) => c with { HeadWidth = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["local_up_to_layer"] = (c, v) => c with { LocalUpTo = v.GetInt32() },
        ["use_pos_embed"] = (c, v) => c with { PositionEmbedding = v.GetBoolean() },
        ["locality_strength"] = (c, _) => c, // of the attention by place before training
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        GlobalPool = _ => "token",
        ["convit_tiny"] = new(4),
        ["convit_small"] = new(9),
        ["convit_base"] = new(16),
    };
}
