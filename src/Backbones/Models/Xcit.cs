using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// XCiT: channels attend to channels, convolutions mix neighbouring tokens; a class token then reads the tokens in two blocks of its own.
/// timm: <c>xcit.py</c>. Paper: XCiT: Cross-Covariance Image Transformers, https://arxiv.org/abs/2106.09681
/// </summary>
internal static class Xcit
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int PatchSize, int Width, int Depth, int Heads)
    {
        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; } = true;

        public bool PositionEmbedding { get; init; } = true;

        /// <summary>The class blocks norm all tokens a second time and not the class token alone.</summary>
        public bool TokensNorm { get; init; } = true;

        /// <summary>Blocks in which the class token reads the others.</summary>
        public int TokenDepth { get; init; } = 2;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (options.GlobalPool is not ("" or "token" or "avg"))
            throw new GraphException($"XCiT has no pool type '{options.GlobalPool}'. Valid types are '', 'token' and 'avg'.");
        (int height, int width) = (b.Input.Shape[1], b.Input.Shape[2]);
        if (height % config.PatchSize != 0 || width % config.PatchSize != 0)
            throw new GraphException($"An image of {height}×{width} does not divide into patches of {config.PatchSize}.");
        Node classToken = b.Reshape(b.Parameter("cls_token", [1, 1, config.Width]), [1, config.Width]);
        (Node x, Size2 grid) = Embed(b, config);
        x = b.Identity("pos_drop", config.PositionEmbedding ? b.Add(x, FourierPositionEmbedding.Build(b, "pos_embed", grid, config.Width)) : x);
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = Block(b, config, x, grid);
            blocks.Add(x);
        }
        x = b.Concat(0, [classToken, x]);
        for (int i = 0; i < config.TokenDepth; i++)
        {
            using (b.Scope($"cls_attn_blocks.{i}"))
                x = ClassBlock(b, config, x);
        }
        Node features = s_norm(b, "norm", x);
        Node pooled = b.Identity("head_drop", TokenPool.Pool(b, features, options.GlobalPool, prefixTokens: 1));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, 0, features, s_norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            // The features begin with the class token, which no block has.
            Intermediates = [.. blocks.Select(node => new IntermediateLevel(node, FeatureLayout.Nlc, grid, Norm: (extended, block) => s_norm(extended, "norm", block)))],
        };
    }

    /// <summary>Patches by 3×3 convolutions of stride 2, each twice as wide as the one before.</summary>
    private static (Node Tokens, Size2 Grid) Embed(GraphBuilder b, Config config)
    {
        Node x = b.Input;
        int convs = int.Log2(config.PatchSize);
        using (b.Scope("patch_embed"))
        {
            for (int i = 0; i < convs; i++)
            {
                using (b.Scope($"proj.{2 * i}"))
                    x = b.BatchNorm("1", b.Conv2d("0", x, config.Width >> (convs - 1 - i), 3, stride: 2, padding: 1));
                if (i < convs - 1)
                    x = s_gelu(b, $"proj.{2 * i + 1}", x);
            }
            return (b.Transpose(b.Flatten(x, 1), 0, 1), (x.Shape[1], x.Shape[2]));
        }
    }

    private static Node Block(GraphBuilder b, Config config, Node x, Size2 grid)
    {
        Node gamma1 = b.Parameter("gamma1", [config.Width]), gamma3 = b.Parameter("gamma3", [config.Width]), gamma2 = b.Parameter("gamma2", [config.Width]);
        Node y = CrossCovarianceAttention.Build(b, "attn", s_norm(b, "norm1", x), config.Heads, config.QkvBias);
        x = b.Add(x, b.Identity("drop_path1", b.Multiply(gamma1, y)));
        y = LocalInteraction(b, s_norm(b, "norm3", x), grid);
        x = b.Add(x, b.Identity("drop_path3", b.Multiply(gamma3, y)));
        y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(config.MlpRatio * config.Width), s_gelu);
        return b.Add(x, b.Identity("drop_path2", b.Multiply(gamma2, y)));
    }

    /// <summary>LPI: two depthwise convolutions over the tokens as a map.</summary>
    private static Node LocalInteraction(GraphBuilder b, Node x, Size2 grid)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope("local_mp"))
        {
            b.Declare("conv1", "bn", "conv2");
            x = b.Reshape(b.Permute(x, [1, 0]), [width, grid.H, grid.W]);
            x = s_gelu(b, "act", b.Conv2d("conv1", x, width, 3, padding: 1, groups: width, bias: true));
            x = b.Conv2d("conv2", b.BatchNorm("bn", x), width, 3, padding: 1, groups: width, bias: true);
            return b.Permute(b.Reshape(x, [width, length]), [1, 0]);
        }
    }

    /// <summary>The class token attends to all tokens, and it alone passes a perceptron; the others are scaled and added.</summary>
    private static Node ClassBlock(GraphBuilder b, Config config, Node x)
    {
        Node gamma1 = b.Parameter("gamma1", [config.Width]), gamma2 = b.Parameter("gamma2", [config.Width]);
        Node normed = s_norm(b, "norm1", x);
        Node attended = b.Concat(0, [ClassAttention.Build(b, "attn", normed, config.Heads, config.QkvBias), TokenPool.WithoutPrefix(b, normed, 1)]);
        x = b.Add(x, b.Identity("drop_path1", b.Multiply(gamma1, attended)));
        x = config.TokensNorm ? s_norm(b, "norm2", x) : b.Concat(0, [s_norm(b, "norm2", First(x)), TokenPool.WithoutPrefix(b, x, 1)]);
        Node token = b.Multiply(gamma2, Mlp.Build(b, "mlp", First(x), (int)(config.MlpRatio * config.Width), s_gelu));
        return b.Add(x, b.Identity("drop_path2", b.Concat(0, [token, TokenPool.WithoutPrefix(b, x, 1)])));

        Node First(Node tokens) => b.Slice(tokens, 0, 0, 1);
    }

    private static readonly NormLayer s_norm = Norms.TorchLayerNorm(1e-6f);
    private static readonly ActLayer s_gelu = ActLayers.Torch(UnaryKind.Gelu);

    private static Config Nano12(int patchSize) => new(patchSize, 128, 12, 4) { TokensNorm = false };

    private static Config Tiny12(int patchSize) => new(patchSize, 192, 12, 4);

    private static Config Tiny24(int patchSize) => new(patchSize, 192, 24, 4);

    private static Config Small12(int patchSize) => new(patchSize, 384, 12, 8);

    private static Config Small24(int patchSize) => new(patchSize, 384, 24, 8);

    private static Config Medium24(int patchSize) => new(patchSize, 512, 24, 8);

    private static Config Large24(int patchSize) => new(patchSize, 768, 24, 16);

    /// <summary>The authors' files, whose class attention makes queries of all tokens.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(("pos_embeder.", "pos_embed."));
        c.Split(@"(?<=^cls_attn_blocks\.\d+\.attn\.)qkv\.", "q.", "k.", "v.");
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.Number(n => n is 8 or 16, "8 or 16") },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["cls_attn_layers"] = (c, v) => c with { TokenDepth = v.GetInt32() },
        ["tokens_norm"] = (c, v) => c with { TokensNorm = v.GetBoolean() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["use_pos_embed"] = (c, v) => c with { PositionEmbedding = v.GetBoolean() },
        ["eta"] = (c, _) => c, // what the scales are before training
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        GlobalPool = _ => "token",
        Arguments = Arguments,
        ["xcit_nano_12_p16_224"] = Nano12(16),
        ["xcit_nano_12_p16_384"] = Nano12(16),
        ["xcit_tiny_12_p16_224"] = Tiny12(16),
        ["xcit_tiny_12_p16_384"] = Tiny12(16),
        ["xcit_small_12_p16_224"] = Small12(16),
        ["xcit_small_12_p16_384"] = Small12(16),
        ["xcit_tiny_24_p16_224"] = Tiny24(16),
        ["xcit_tiny_24_p16_384"] = Tiny24(16),
        ["xcit_small_24_p16_224"] = Small24(16),
        ["xcit_small_24_p16_384"] = Small24(16),
        ["xcit_medium_24_p16_224"] = Medium24(16),
        ["xcit_medium_24_p16_384"] = Medium24(16),
        ["xcit_large_24_p16_224"] = Large24(16),
        ["xcit_large_24_p16_384"] = Large24(16),
        ["xcit_nano_12_p8_224"] = Nano12(8),
        ["xcit_nano_12_p8_384"] = Nano12(8),
        ["xcit_tiny_12_p8_224"] = Tiny12(8),
        ["xcit_tiny_12_p8_384"] = Tiny12(8),
        ["xcit_small_12_p8_224"] = Small12(8),
        ["xcit_small_12_p8_384"] = Small12(8),
        ["xcit_tiny_24_p8_224"] = Tiny24(8),
        ["xcit_tiny_24_p8_384"] = Tiny24(8),
        ["xcit_small_24_p8_224"] = Small24(8),
        ["xcit_small_24_p8_384"] = Small24(8),
        ["xcit_medium_24_p8_224"] = Medium24(8),
        ["xcit_medium_24_p8_384"] = Medium24(8),
        ["xcit_large_24_p8_224"] = Large24(8),
        ["xcit_large_24_p8_384"] = Large24(8),
    };
}
