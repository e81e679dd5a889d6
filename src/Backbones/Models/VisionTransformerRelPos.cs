using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Vision transformers with relative position bias, computed by a small perceptron from the logarithms of distances, in place of position embeddings.
/// timm: <c>vision_transformer_relpos.py</c>. Paper of the bias: Swin Transformer V2, https://arxiv.org/abs/2111.09883
/// </summary>
internal static class VisionTransformerRelPos
{
    /// <summary>A block, in its scope: tokens <c>[L, C]</c> → <c>[L, C]</c>; with the bias that all blocks share, or null.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x, Size2 grid, Node? sharedBias);

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int PatchSize, int Width, int Heads)
    {
        public int Depth { get; init; } = 12;

        public BlockLayers Block { get; init; } = PreNormBlock;

        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; }

        /// <summary>One bias for all blocks.</summary>
        public bool SharedBias { get; init; }

        /// <summary>Hidden width of the bias's perceptron.</summary>
        public int BiasHidden { get; init; } = 128;

        public bool ClassToken { get; init; }

        /// <summary>The last norm stands behind the pooling.</summary>
        public bool FcNorm { get; init; }

        public string GlobalPool { get; init; } = "avg";

        public int PrefixTokens => ClassToken ? 1 : 0;
    }

    private static readonly NormLayer s_norm = Norms.TorchLayerNorm(1e-6f);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (config.ClassToken)
            TokenPool.Require(options.GlobalPool, "avg", "token", "");
        else
            TokenPool.Require(options.GlobalPool, "avg", "");
        Node? classToken = config.ClassToken ? b.Reshape(b.Parameter("cls_token", [1, 1, config.Width]), [1, config.Width]) : null;
        (Node x, Size2 grid) = PatchEmbed.Build(b, "patch_embed", b.Input, config.PatchSize, config.Width);
        if (classToken is not null)
            x = b.Concat(0, [classToken, x]);
        Node? sharedBias = config.SharedBias ? Bias(b, config, "shared_rel_pos", grid) : null;
        var blocks = new Node[config.Depth];
        for (int i = 0; i < blocks.Length; i++)
        {
            using (b.Scope($"blocks.{i}"))
                blocks[i] = x = config.Block(b, config, x, grid, sharedBias);
        }
        NormLayer norm = Norms.OrIdentity(config.FcNorm ? null : s_norm);
        Node features = norm(b, "norm", x);
        Node pooled = TokenPool.Pool(b, features, options.GlobalPool, config.PrefixTokens);
        pooled = b.Identity("head_drop", Norms.OrIdentity(config.FcNorm ? s_norm : null)(b, "fc_norm", pooled));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, config.PrefixTokens, features, norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses)));
    }

    private static Node PreNormBlock(GraphBuilder b, Config config, Node x, Size2 grid, Node? sharedBias)
    {
        Node y = Attend(b, config, s_norm(b, "norm1", x), grid, sharedBias);
        x = b.Add(x, b.Identity("drop_path1", LayerScale.Build(b, "ls1", y, enabled: true)));
        y = Perceptron(b, config, s_norm(b, "norm2", x));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, enabled: true)));
    }

    /// <summary>The norms behind attention and perceptron.</summary>
    private static Node PostNormBlock(GraphBuilder b, Config config, Node x, Size2 grid, Node? sharedBias)
    {
        x = b.Add(x, b.Identity("drop_path1", s_norm(b, "norm1", Attend(b, config, x, grid, sharedBias))));
        return b.Add(x, b.Identity("drop_path2", s_norm(b, "norm2", Perceptron(b, config, x))));
    }

    private static Node Perceptron(GraphBuilder b, Config config, Node x) => Mlp.Build(b, "mlp", x, (int)(config.MlpRatio * config.Width), ActLayers.Torch(UnaryKind.Gelu));

    private static Node Attend(GraphBuilder b, Config config, Node x, Size2 grid, Node? sharedBias)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope("attn"))
        {
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, config.QkvBias), [length, 3, config.Heads, Attention.HeadWidth(width, config.Heads)]), [1, 2, 0, 3]);
            Node q = b.Identity("q_norm", Attention.Part(b, qkv, 0)), k = b.Identity("k_norm", Attention.Part(b, qkv, 1));
            Node bias = sharedBias ?? Bias(b, config, "rel_pos", grid);
            Node scores = b.MatMul(b.Affine(q, Attention.Scale(q)), b.Transpose(k, -2, -1));
            // The scores with the bias are for those who choose them: attention adds it by itself.
            scores = b.Add(scores, bias, sharedBias is null ? "rel_pos.add" : "add");
            b.Identity("attn_drop", b.Softmax(scores, -1));
            x = Attention.MergeHeads(b, b.Attention(q, k, Attention.Part(b, qkv, 2), mask: bias, target: "matmul_1"));
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    /// <summary>The bias <c>[heads, L, L]</c>; a class token has none.</summary>
    private static Node Bias(GraphBuilder b, Config config, string name, Size2 grid)
    {
        using (b.Scope(name))
        {
            Node bias = RelPosMlp.LogDistances(b, "mlp", grid, config.Heads, config.BiasHidden);
            return config.ClassToken ? b.Pad2d(bias, new Padding(1, 1, 0, 0)) : bias;
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["class_token"] = (c, v) => c with { ClassToken = v.GetBoolean() },
        ["fc_norm"] = (c, v) => c with { FcNorm = v.GetBoolean() },
        ["rel_pos_dim"] = (c, v) => c with { BiasHidden = v.GetInt32() },
        ["shared_rel_pos"] = (c, v) => c with { SharedBias = v.GetBoolean() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = config => config.GlobalPool,
        Arguments = Arguments,
        ["vit_relpos_base_patch32_plus_rpn_256"] = new(32, 896, 14) { QkvBias = true, Block = PostNormBlock },
        ["vit_relpos_base_patch16_plus_240"] = new(16, 896, 14) { QkvBias = true },
        ["vit_relpos_small_patch16_224"] = new(16, 384, 6) { FcNorm = true },
        ["vit_relpos_medium_patch16_224"] = new(16, 512, 8) { FcNorm = true },
        ["vit_relpos_base_patch16_224"] = new(16, 768, 12) { FcNorm = true },
        ["vit_srelpos_small_patch16_224"] = new(16, 384, 6) { SharedBias = true, BiasHidden = 384 },
        ["vit_srelpos_medium_patch16_224"] = new(16, 512, 8) { SharedBias = true, BiasHidden = 512 },
        ["vit_relpos_medium_patch16_cls_224"] = new(16, 512, 8) { ClassToken = true, GlobalPool = "token", BiasHidden = 256 },
        ["vit_relpos_base_patch16_cls_224"] = new(16, 768, 12) { ClassToken = true, GlobalPool = "token" },
        ["vit_relpos_base_patch16_clsgap_224"] = new(16, 768, 12) { FcNorm = true, ClassToken = true },
        ["vit_relpos_small_patch16_rpn_224"] = new(16, 384, 6) { Block = PostNormBlock },
        ["vit_relpos_medium_patch16_rpn_224"] = new(16, 512, 8) { Block = PostNormBlock },
        ["vit_relpos_base_patch16_rpn_224"] = new(16, 768, 12) { Block = PostNormBlock },
    };
}
