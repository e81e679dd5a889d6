using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Vision Transformer and its many descendants: AugReg, CLIP, SigLIP, DINOv2, FlexiViT, AIMv2, BEiT-3, TIPSv2, ViTs with registers, parallel or differential blocks.
/// timm: <c>vision_transformer.py</c>. Papers: An Image is Worth 16x16 Words, https://arxiv.org/abs/2010.11929; How to train your ViT?, https://arxiv.org/abs/2106.10270;
/// DINOv2, https://arxiv.org/abs/2304.07193; Vision Transformers Need Registers, https://arxiv.org/abs/2309.16588; SigLIP, https://arxiv.org/abs/2303.15343
/// </summary>
internal static partial class VisionTransformer
{
    /// <summary>A block, in its scope: tokens <c>[L, C]</c> → <c>[L, C]</c>; depth is its number.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x, int depth);

    /// <summary>A perceptron, the block's child <c>mlp</c>: tokens <c>[L, C]</c> → <c>[L, C]</c>.</summary>
    internal delegate Node Perceptron(GraphBuilder b, Config config, Node x);

    /// <summary>The patches of an image, the module <c>patch_embed</c>: tokens <c>[H · W, C]</c> and the grid H × W.</summary>
    internal delegate (Node Tokens, Size2 Grid) EmbeddingLayers(GraphBuilder b, Config config, Node image, ModelOptions options);

    /// <summary>A head over the tokens that <c>forward_features</c> gives.</summary>
    internal delegate (Node PreLogits, Node Logits) HeadLayers(GraphBuilder b, Config config, Node x, ModelOptions options);

    /// <summary>What tells one variant from another; the defaults are ViT's.</summary>
    internal record Config(int PatchSize, int Width, int Depth, int Heads, double MlpRatio = 4)
    {
        public BlockLayers Block { get; init; } = PreNormBlock;

        public Perceptron Mlp { get; init; } = PlainMlp;

        public HeadLayers Head { get; init; } = PoolHead;

        /// <summary>How patches of <see cref="PatchSize"/> become tokens.</summary>
        public EmbeddingLayers Embedding { get; init; } = PatchEmbedding;

        public ActLayer Act { get; init; } = ActLayers.Torch(UnaryKind.Gelu);

        public NormLayer Norm { get; init; } = Norms.LayerNorm();

        /// <summary>Whether there is a position embedding.</summary>
        public bool PosEmbed { get; init; } = true;

        /// <summary>Norm of the patch embedding.</summary>
        public NormLayer? EmbedNorm { get; init; }

        public bool DiffAttention { get; init; }

        public bool QkvBias { get; init; } = true;

        public bool ProjBias { get; init; } = true;

        public bool QkNorm { get; init; }

        /// <summary>Norms before the output projections of attention and perceptron.</summary>
        public bool ScaleNorms { get; init; }

        public bool LayerScale { get; init; }

        public bool ClassToken { get; init; } = true;

        public int RegTokens { get; init; }

        /// <summary>A second token for distillation (DeiT).</summary>
        public bool DistillationToken { get; init; }

        /// <summary>The position embedding covers the patches alone.</summary>
        public bool NoEmbedClass { get; init; }

        /// <summary>timm's dynamic image size: the same values by other steps.</summary>
        public bool DynamicImageSize { get; init; }

        /// <summary>Zeros below and right of an image make it a whole number of patches.</summary>
        public bool DynamicImagePad { get; init; }

        /// <summary>A norm before the blocks.</summary>
        public bool PreNorm { get; init; }

        public bool FinalNorm { get; init; } = true;

        /// <summary>Whether the final norm stands behind the pooling; by default where the patches are pooled.</summary>
        public bool? FcNorm { get; init; }

        public string GlobalPool { get; init; } = "token";

        public bool PoolIncludePrefix { get; init; }

        /// <summary>The position embedding is resized bilinearly (FlexiViT).</summary>
        public bool ResizesBilinearly { get; init; }

        public int PrefixTokens => (ClassToken ? 1 : 0) + RegTokens + (DistillationToken ? 1 : 0);

        public int PositionPrefix => NoEmbedClass ? 0 : PrefixTokens;

        public int MlpHidden => (int)(Width * MlpRatio);
    }

    internal static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Pooling pooling = Pooling.For(config, options);
        (Node x, Size2 grid) = Embed(b, config, options);
        x = b.Identity("patch_drop", x);
        x = config.PreNorm ? config.Norm(b, "norm_pre", x) : b.Identity("norm_pre", x);
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = config.Block(b, config, x, i);
            blocks.Add(x);
        }

        NormLayer? norm = pooling.Norm ? config.Norm : null;
        Node features = Norms.OrIdentity(norm)(b, "norm", x);
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, config.PrefixTokens, features, norm, config.Head(b, config, features, options)) with
        {
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty
                .Add("pos_embed", ParameterAdapters.PositionEmbedding(config.PositionPrefix, (options.PretrainedSize.H / config.PatchSize, options.PretrainedSize.W / config.PatchSize), grid, config.ResizesBilinearly))
                .Add("patch_embed.proj.weight", ParameterAdapters.PatchEmbedding(config.ResizesBilinearly)),
        };
    }

    /// <summary>Patches, class and register tokens, and the position embedding.</summary>
    private static (Node Tokens, Size2 Grid) Embed(GraphBuilder b, Config config, ModelOptions options)
    {
        Node? classToken = config.ClassToken ? Token("cls_token", 1) : null;
        Node? regTokens = config.RegTokens > 0 ? Token("reg_token", config.RegTokens) : null;
        (Node x, Size2 grid) = config.Embedding(b, config, b.Input, options);
        if (!config.PosEmbed)
            return (classToken is null && regTokens is null ? x : b.Concat(0, [.. new[] { classToken, regTokens }.OfType<Node>(), x]), grid);
        int positions = grid.H * grid.W + config.PositionPrefix;
        Node embedding = b.Reshape(b.Parameter("pos_embed", [1, positions, config.Width]), [positions, config.Width]);
        Node? distillationToken = config.DistillationToken ? Token("dist_token", 1) : null;

        Node[] prefix = [.. new[] { classToken, regTokens, distillationToken }.OfType<Node>()];
        if (config.NoEmbedClass)
            x = b.Add(x, embedding);
        if (prefix.Length > 0)
            x = b.Concat(0, [.. prefix, x]);
        if (!config.NoEmbedClass)
            x = b.Add(x, embedding);
        return (b.Identity("pos_drop", x), grid);

        Node Token(string name, int count) => b.Reshape(b.Parameter(name, [1, count, config.Width]), [count, config.Width]);
    }

    private static (Node Tokens, Size2 Grid) PatchEmbedding(GraphBuilder b, Config config, Node image, ModelOptions options)
        => PatchEmbed.Build(b, "patch_embed", image, config.PatchSize, config.Width, bias: !config.PreNorm, config.EmbedNorm, config.DynamicImageSize, config.DynamicImagePad);

    /// <summary>Pooling, norm and classifier.</summary>
    private static (Node PreLogits, Node Logits) PoolHead(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        Pooling pooling = Pooling.For(config, options);
        int leftOut = pooling.IncludesPrefix ? 0 : config.PrefixTokens;
        x = options.GlobalPool switch
        {
            "map" => AttentionPool.Latent(b, "attn_pool", TokenPool.WithoutPrefix(b, x, leftOut), config.Heads, config.MlpHidden, config.Norm, config.Act),
            "prr" => AttentionPool.Refine(b, "attn_pool", TokenPool.WithoutPrefix(b, x, leftOut), config.Heads, takeFirst: config.ClassToken),
            _ => TokenPool.Pool(b, x, options.GlobalPool, leftOut),
        };
        x = pooling.FcNorm ? config.Norm(b, "fc_norm", x) : b.Identity("fc_norm", x);
        x = b.Identity("head_drop", x);
        return (x, Classifier.Fc(b, "head", x, options.NumClasses));
    }

    /// <summary>What follows from the pool type: where the final norm stands, and what is pooled.</summary>
    private readonly record struct Pooling(bool Norm, bool FcNorm, bool IncludesPrefix)
    {
        public static Pooling For(Config config, ModelOptions options)
        {
            // Changed behind the model's back, the pool type leaves the layers as they are.
            (string pool, string created) = (options.GlobalPool, options.CreatedPool);
            string[] valid = [.. TokenPool.Names.Where(n => n != "token" || config.ClassToken)];
            if (pool is "map" or "prr" && pool != created)
                throw new GraphException($"Attention pooling '{pool}' has layers that this model was not made with; make the model with it, or pool with one of {Quoted(valid)}.");
            if (pool == "token" && !config.ClassToken)
                throw new GraphException($"Pool type 'token' needs a class token, which this model does not have; pool with one of {Quoted(valid)}.");
            if (pool is not ("map" or "prr") && !valid.Contains(pool))
                throw new GraphException($"Unknown pool type '{pool}'. Valid types of a vision transformer are {Quoted(valid)}, and 'map' and 'prr' where the model is made with them.{NearestName.Suggest(pool, valid)}");
            bool fcNorm = config.FcNorm ?? created is "avg" or "max" or "avgmax";
            return new(config.FinalNorm && !fcNorm, config.FinalNorm && fcNorm, config.PoolIncludePrefix || created == "prr");

            static string Quoted(string[] names) => $"'{string.Join("', '", names)}'";
        }
    }
}
