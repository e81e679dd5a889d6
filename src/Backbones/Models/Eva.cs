using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EVA, EVA-02, Perception Encoder, DINOv3 and the RoPE-ViTs: vision transformers most of which know a patch's place by rotary embeddings.
/// timm: <c>eva.py</c>. Papers: EVA, https://arxiv.org/abs/2211.07636; EVA-02, https://arxiv.org/abs/2303.11331; EVA-CLIP, https://arxiv.org/abs/2303.15389;
/// Perception Encoder, https://arxiv.org/abs/2504.13181; Rotary Position Embedding for Vision Transformer, https://arxiv.org/abs/2403.13298; DINOv3, https://arxiv.org/abs/2508.10104
/// </summary>
internal static partial class Eva
{
    /// <summary>Kinds of rotary embeddings, by timm's words.</summary>
    internal enum RopeKind
    {
        /// <summary>Rows turn half of the channels and columns the others.</summary>
        Cat,
        /// <summary>Learned frequencies of each head of each block.</summary>
        Mixed,
        /// <summary>The places are from -1 to 1 on any grid.</summary>
        DinoV3,
    }

    /// <summary>A block, in its scope: tokens <c>[L, C]</c> → <c>[L, C]</c>.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x, RotaryEmbedding? rope);

    /// <summary>What tells one variant from another; the defaults are EVA's.</summary>
    internal sealed record Config(int PatchSize, int Width, int Depth, int Heads, double MlpRatio = 4)
    {
        public BlockLayers Block { get; init; } = PreNormBlock;

        /// <summary>The perceptrons are gated by SiLU.</summary>
        public bool SwiGlu { get; init; }

        /// <summary>What the width of gated perceptrons is filled up to a multiple of; 0 for nothing.</summary>
        public int SwiGluAlign { get; init; }

        /// <summary>A norm in the perceptrons.</summary>
        public bool ScaleMlp { get; init; }

        /// <summary>One layer for queries, keys and values, and not three.</summary>
        public bool QkvFused { get; init; } = true;

        /// <summary>timm's AttentionRope, whose keys have a bias too.</summary>
        public bool RopeAttention { get; init; }

        public bool QkvBias { get; init; } = true;

        public NormLayer Norm { get; init; } = Norms.LayerNorm();

        /// <summary>A norm before attention's output projection.</summary>
        public bool ScaleAttention { get; init; }

        public bool LayerScale { get; init; }

        public bool ClassToken { get; init; } = true;

        public int RegTokens { get; init; }

        /// <summary>The position embedding covers the patches alone.</summary>
        public bool NoEmbedClass { get; init; }

        public bool PositionEmbedding { get; init; } = true;

        /// <summary>Queries and keys are turned by a rotary embedding.</summary>
        public bool Rotary { get; init; }

        public RopeKind Rope { get; init; }

        /// <summary>Added to a patch's row and column.</summary>
        public float RopeOffset { get; init; }

        /// <summary>Columns come before rows (<c>grid_indexing='xy'</c>).</summary>
        public bool RopeColumnsFirst { get; init; }

        public float RopeTemperature { get; init; } = 10000;

        /// <summary>The grid that the places of others are stretched to; null for their own.</summary>
        public Size2? RopeReference { get; init; }

        /// <summary>timm computes the rotary embedding in every run, by steps that FX counts among the names.</summary>
        public bool ComputesRope => Rotary && Rope != RopeKind.Cat;

        public bool DynamicImageSize { get; init; }

        /// <summary>A norm before the blocks.</summary>
        public bool PreNorm { get; init; }

        /// <summary>A norm behind the blocks; by default where there is none behind the pooling.</summary>
        public bool? PostNorm { get; init; }

        /// <summary>A norm behind the pooling; by default where the patches are pooled.</summary>
        public bool? FcNorm { get; init; }

        public string GlobalPool { get; init; } = "avg";

        /// <summary>Heads of the pooling by attention; null for as many as the blocks have.</summary>
        public int? PoolHeads { get; init; }

        /// <summary>Width of its perceptron; null for the blocks' ratio.</summary>
        public double? PoolMlpRatio { get; init; }

        public int PrefixTokens => (ClassToken ? 1 : 0) + RegTokens;

        public int PositionPrefix => NoEmbedClass ? 0 : PrefixTokens;

        public int HeadWidth => Attention.HeadWidth(Width, Heads);

        public int MlpHidden => (int)(Width * MlpRatio);

        public QkvProjection Qkv => RopeAttention ? QkvProjections.Joint : QkvFused ? QkvProjections.WithoutKeyBias : QkvProjections.Separate;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (config is { RopeAttention: true, QkvFused: false })
            throw new GraphException("With attn_type 'rope', queries, keys and values are of one layer here: qkv_fused must be true.");
        (Node x, Size2 grid) = Embed(b, config);
        IReadOnlyList<RotaryEmbedding>? rope = config.Rotary ? BuildRope(b, config, grid) : null;
        x = config.PreNorm ? config.Norm(b, "norm_pre", x) : b.Identity("norm_pre", x);
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = config.Block(b, config, x, rope?[i]);
            blocks.Add(x);
        }

        // The pool type that the model is made with decides where the last norm stands, and whether it pools by attention.
        bool fcNorm = config.FcNorm ?? options.CreatedPool == "avg";
        NormLayer? norm = config.PostNorm ?? !fcNorm ? config.Norm : null;
        Node features = Norms.OrIdentity(norm)(b, "norm", x);
        Node pooled = Pool(b, config, features, options);
        pooled = b.Identity("head_drop", Norms.OrIdentity(fcNorm ? config.Norm : null)(b, "fc_norm", pooled));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, config.PrefixTokens, features, norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty
                .Add("pos_embed", ParameterAdapters.PositionEmbedding(config.PositionPrefix, (options.PretrainedSize.H / config.PatchSize, options.PretrainedSize.W / config.PatchSize), grid))
                .Add("patch_embed.proj.weight", ParameterAdapters.PatchEmbedding()),
        };
    }

    /// <summary>Patches, class and register tokens, and the position embedding.</summary>
    private static (Node Tokens, Size2 Grid) Embed(GraphBuilder b, Config config)
    {
        Node? classToken = config.ClassToken ? Token("cls_token", 1) : null;
        Node? regTokens = config.RegTokens > 0 ? Token("reg_token", config.RegTokens) : null;
        if (config.PositionEmbedding)
            b.Declare("pos_embed");
        (Node x, Size2 grid) = PatchEmbed.Build(b, "patch_embed", b.Input, config.PatchSize, config.Width, bias: !config.PreNorm, dynamic: config.DynamicImageSize);
        int positions = grid.H * grid.W + config.PositionPrefix;
        Node? embedding = config.PositionEmbedding ? b.Reshape(b.Parameter("pos_embed", [1, positions, config.Width]), [positions, config.Width]) : null;
        Node[] prefix = [.. new[] { classToken, regTokens }.OfType<Node>()];
        if (config.NoEmbedClass)
            x = WithPositions(x);
        if (prefix.Length > 0)
            x = b.Concat(0, [.. prefix, x], config.ComputesRope ? "cat_1" : "cat");
        if (!config.NoEmbedClass)
            x = WithPositions(x);
        return (b.Identity("pos_drop", x), grid);

        Node Token(string name, int count) => b.Reshape(b.Parameter(name, [1, count, config.Width]), [count, config.Width]);

        Node WithPositions(Node tokens) => embedding is null ? tokens : b.Add(tokens, embedding, config.ComputesRope ? "add_1" : "add");
    }

    /// <summary>The embedding of each block.</summary>
    private static IReadOnlyList<RotaryEmbedding> BuildRope(GraphBuilder b, Config config, Size2 grid)
    {
        if (config.Rope == RopeKind.Mixed)
            return RotaryEmbedding.Mixed(b, grid, config.HeadWidth, config.PrefixTokens, config.Depth, config.Heads, config.RopeColumnsFirst);
        RotaryEmbedding rope = config.Rope == RopeKind.DinoV3
            ? RotaryEmbedding.DinoV3(b, grid, config.HeadWidth, config.PrefixTokens, config.RopeTemperature)
            : RotaryEmbedding.Axial(b, grid, config.HeadWidth, config.PrefixTokens, config.RopeTemperature, config.RopeReference, config.RopeOffset, config.RopeColumnsFirst);
        return [.. Enumerable.Repeat(rope, config.Depth)];
    }

    private static Node Pool(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        // What pools by attention goes on to, whatever pool type it is given later.
        if (options.CreatedPool == "map")
        {
            int hidden = (int)((config.PoolMlpRatio ?? config.MlpRatio) * config.Width);
            return AttentionPool.Latent(b, "attn_pool", x, config.PoolHeads ?? config.Heads, hidden, config.Norm, ActLayers.Torch(UnaryKind.Gelu));
        }
        if (options.GlobalPool == "map")
            throw new GraphException($"Attention pooling 'map' has layers that this model was not made with; make the model with it, or pool with one of {string.Join(", ", TokenPool.Names.Select(n => $"'{n}'"))}.");
        return TokenPool.Pool(b, x, options.GlobalPool, config.PrefixTokens);
    }

    private static Node PreNormBlock(GraphBuilder b, Config config, Node x, RotaryEmbedding? rope)
    {
        (Node? scale1, Node? scale2) = config.LayerScale ? (b.Parameter("gamma_1", [config.Width]), b.Parameter("gamma_2", [config.Width])) : ((Node?)null, null);
        x = b.Add(x, b.Identity("drop_path1", Scaled(scale1, Attend(b, config, config.Norm(b, "norm1", x), rope))));
        return b.Add(x, b.Identity("drop_path2", Scaled(scale2, Perceptron(b, config, config.Norm(b, "norm2", x)))));

        Node Scaled(Node? scale, Node y) => scale is null ? y : b.Multiply(scale, y);
    }

    private static Node PostNormBlock(GraphBuilder b, Config config, Node x, RotaryEmbedding? rope)
    {
        x = b.Add(x, b.Identity("drop_path1", config.Norm(b, "norm1", Attend(b, config, x, rope))));
        return b.Add(x, b.Identity("drop_path2", config.Norm(b, "norm2", Perceptron(b, config, x))));
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, RotaryEmbedding? rope)
        => RotaryAttention.Build(b, "attn", x, config.Heads, rope, config.Qkv, config.QkvBias, config.ScaleAttention ? config.Norm : null);

    private static Node Perceptron(GraphBuilder b, Config config, Node x)
    {
        NormLayer? norm = config.ScaleMlp ? config.Norm : null;
        if (!config.SwiGlu)
            return Mlp.Build(b, "mlp", x, config.MlpHidden, ActLayers.Torch(UnaryKind.Gelu), norm);
        // Without norm and filling up, timm packs gate and values into one layer.
        if (norm is null && config.SwiGluAlign == 0)
            return Mlp.SwiGluPacked(b, "mlp", x, 2 * config.MlpHidden, ActLayers.Torch(UnaryKind.Silu));
        int step = Math.Max(config.SwiGluAlign, 1);
        return Mlp.SwiGlu(b, "mlp", x, (config.MlpHidden + step - 1) / step * step, norm: norm);
    }
}
