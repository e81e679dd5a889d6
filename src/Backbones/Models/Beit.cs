using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// BEiT and BEiT v2: vision transformers whose positions are a bias of the attention in every block, with a class token that has no place.
/// timm: <c>beit.py</c>. Papers: BEiT, https://arxiv.org/abs/2106.08254; BEiT v2, https://arxiv.org/abs/2208.06366
/// </summary>
internal static class Beit
{
    /// <summary>Entries of a table behind those of the patches: from the class token, to it, and from it to itself.</summary>
    private const int ClassEntries = 3;

    private static readonly NormLayer s_norm = Norms.LayerNorm();

    internal sealed record Config(int Width, int Depth, int Heads)
    {
        public int PatchSize { get; init; } = 16;

        public double MlpRatio { get; init; } = 4;

        /// <summary>The perceptrons are gated by SiLU.</summary>
        public bool SwiGlu { get; init; }

        /// <summary>A norm in the perceptrons.</summary>
        public bool ScaleMlp { get; init; }

        public bool QkvBias { get; init; } = true;

        public bool LayerScale { get; init; } = true;

        /// <summary>A bias of every block's attention by the distance of patches.</summary>
        public bool PositionBias { get; init; } = true;

        /// <summary>A learned embedding of the class token and each patch.</summary>
        public bool PositionEmbedding { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (options.GlobalPool is not ("" or "token" or "avg"))
            throw new GraphException($"BEiT has no pool type '{options.GlobalPool}'. Valid types are '', 'token' and 'avg'.");
        Node classToken = b.Reshape(b.Parameter("cls_token", [1, 1, config.Width]), [1, config.Width]);
        if (config.PositionEmbedding)
            b.Declare("pos_embed");
        (Node x, Size2 grid) = PatchEmbed.Build(b, "patch_embed", b.Input, config.PatchSize, config.Width);
        x = b.Concat(0, [classToken, x]);
        int length = x.Shape[0];
        if (config.PositionEmbedding)
            x = b.Add(x, b.Reshape(b.Parameter("pos_embed", [1, length, config.Width]), [length, config.Width]));
        x = b.Identity("pos_drop", x);
        // One for all blocks: it has the square of the tokens' number of indices.
        GatherOp? places = config.PositionBias ? new GatherOp(0, Places(grid)) : null;
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = Block(b, config, x, grid, places);
            blocks.Add(x);
        }

        // The pool type that the model is made with decides where the last norm stands.
        bool fcNorm = options.CreatedPool == "avg";
        NormLayer? norm = fcNorm ? null : s_norm;
        Node features = Norms.OrIdentity(norm)(b, "norm", x);
        Node pooled = TokenPool.Pool(b, features, options.GlobalPool, prefixTokens: 1);
        pooled = b.Identity("head_drop", Norms.OrIdentity(fcNorm ? s_norm : null)(b, "fc_norm", pooled));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, 1, features, norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            Adapters = Enumerable.Range(0, config.Depth).ToImmutableDictionary(i => $"blocks.{i}.attn.relative_position_bias_table", _ => Resized(grid))
                .Add("patch_embed.proj.weight", ParameterAdapters.PatchEmbedding())
                .Add("pos_embed", ParameterAdapters.PositionEmbedding(1, (options.PretrainedSize.H / config.PatchSize, options.PretrainedSize.W / config.PatchSize), grid)),
        };
    }

    /// <summary>Attention and perceptron, each scaled by learned factors and added.</summary>
    private static Node Block(GraphBuilder b, Config config, Node x, Size2 grid, GatherOp? places)
    {
        (Node? scale1, Node? scale2) = config.LayerScale ? (b.Parameter("gamma_1", [config.Width]), b.Parameter("gamma_2", [config.Width])) : ((Node?)null, null);
        x = b.Add(x, b.Identity("drop_path1", Scaled(scale1, Attend(b, config, s_norm(b, "norm1", x), grid, places))));
        return b.Add(x, b.Identity("drop_path2", Scaled(scale2, Perceptron(b, config, s_norm(b, "norm2", x)))));

        Node Scaled(Node? scale, Node y) => scale is null ? y : b.Multiply(scale, y);
    }

    private static Node Perceptron(GraphBuilder b, Config config, Node x)
    {
        (int hidden, NormLayer? norm) = ((int)(config.Width * config.MlpRatio), config.ScaleMlp ? s_norm : null);
        return config.SwiGlu ? Mlp.SwiGlu(b, "mlp", x, hidden, norm: norm) : Mlp.Build(b, "mlp", x, hidden, ActLayers.Torch(UnaryKind.Gelu), norm);
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, Size2 grid, GatherOp? places)
    {
        int length = x.Shape[0];
        using (b.Scope("attn"))
        {
            b.Declare("qkv", "proj");
            (Node q, Node k, Node v) = QkvProjections.WithoutKeyBias(b, x, config.Heads, config.QkvBias);
            Node? bias = null;
            if (places is not null)
            {
                Node table = b.Parameter("relative_position_bias_table", [RelPosBias.Distances(grid) + ClassEntries, config.Heads]);
                bias = b.Permute(b.Reshape(b.Function("getitem", places, table), [length, length, config.Heads]), [2, 0, 1]);
            }
            Node scores = b.MatMul(b.Affine(q, Attention.Scale(q)), b.Transpose(k, -2, -1));
            b.Identity("attn_drop", b.Softmax(bias is null ? scores : b.Add(scores, bias), -1));
            x = Attention.MergeHeads(b, b.Attention(q, k, v, mask: bias, target: "matmul_1"));
            return b.Identity("proj_drop", b.Linear("proj", x, config.Width));
        }
    }

    /// <summary>For each query and key, the class token first, the place of their distance in a table.</summary>
    private static ImmutableArray<int> Places(Size2 grid)
    {
        int length = grid.H * grid.W + 1, distances = RelPosBias.Distances(grid);
        var places = new int[PositionTable.Length(length, length)];
        for (int query = 0; query < length; query++)
        {
            for (int key = 0; key < length; key++)
            {
                places[query * length + key] = (query, key) switch
                {
                    (0, 0) => distances + 2,
                    (0, _) => distances,
                    (_, 0) => distances + 1,
                    _ => Distance(query - 1, key - 1),
                };
            }
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(places);

        int Distance(int from, int to) => (from / grid.W - to / grid.W + grid.H - 1) * (2 * grid.W - 1) + from % grid.W - to % grid.W + grid.W - 1;
    }

    /// <summary>A table for another grid: the entries of the class token stay.</summary>
    private static ParameterAdapter Resized(Size2 grid) => (b, source, target) =>
    {
        (int positions, int heads) = (source.Shape[0] - ClassEntries, target[1]);
        Node patches = b.Slice(source, 0, 0, positions);
        Node resized = RelPosBias.Resized(grid)(b, patches, [target[0] - ClassEntries, heads]);
        return resized == patches ? source : b.Concat(0, [resized, b.Slice(source, 0, positions, ClassEntries)]);
    };

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config) => c.Drop("relative_position_index");

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["swiglu_mlp"] = (c, v) => c with { SwiGlu = v.GetBoolean() },
        ["scale_mlp"] = (c, v) => c with { ScaleMlp = v.GetBoolean() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["init_values"] = (c, v) => c with { LayerScale = v.GetDouble() != 0 },
        ["use_abs_pos_emb"] = (c, v) => c with { PositionEmbedding = v.GetBoolean() },
        ["use_rel_pos_bias"] = (c, v) => c with { PositionBias = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["beit_base_patch16_224"] = new(768, 12, 12),
        ["beit_base_patch16_384"] = new(768, 12, 12),
        ["beit_large_patch16_224"] = new(1024, 24, 16),
        ["beit_large_patch16_384"] = new(1024, 24, 16),
        ["beit_large_patch16_512"] = new(1024, 24, 16),
        ["beitv2_base_patch16_224"] = new(768, 12, 12),
        ["beitv2_large_patch16_224"] = new(1024, 24, 16),
    };
}
