using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CaiT: deep vision transformers whose patches attend among themselves first; a class token then reads them in two blocks of its own.
/// timm: <c>cait.py</c>. Paper: Going deeper with Image Transformers, https://arxiv.org/abs/2103.17239
/// </summary>
internal static class CaiT
{
    private static readonly NormLayer s_norm = Norms.TorchLayerNorm(1e-6f);

    internal sealed record Config(int Width, int Depth, int Heads)
    {
        public int PatchSize { get; init; } = 16;

        public double MlpRatio { get; init; } = 4;

        /// <summary>The same in the blocks of the class token.</summary>
        public double TokenMlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; } = true;

        /// <summary>Blocks in which the class token alone changes.</summary>
        public int TokenDepth { get; init; } = 2;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (options.GlobalPool is not ("" or "token" or "avg"))
            throw new GraphException($"CaiT has no pool type '{options.GlobalPool}'. Valid types are '', 'token' and 'avg'.");
        Node classToken = b.Reshape(b.Parameter("cls_token", [1, 1, config.Width]), [1, config.Width]);
        b.Declare("pos_embed");
        (Node x, Size2 grid) = PatchEmbed.Build(b, "patch_embed", b.Input, config.PatchSize, config.Width);
        int positions = grid.H * grid.W;
        x = b.Identity("pos_drop", b.Add(x, b.Reshape(b.Parameter("pos_embed", [1, positions, config.Width]), [positions, config.Width])));
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = Block(b, x, config.MlpRatio, y => TalkingHeadAttention.Build(b, "attn", s_norm(b, "norm1", y), config.Heads, config.QkvBias));
            blocks.Add(x);
        }
        for (int i = 0; i < config.TokenDepth; i++)
        {
            using (b.Scope($"blocks_token_only.{i}"))
                classToken = Block(b, classToken, config.TokenMlpRatio, token => ClassAttention.Build(b, "attn", s_norm(b, "norm1", b.Concat(0, [token, x])), config.Heads, config.QkvBias));
        }
        Node features = s_norm(b, "norm", b.Concat(0, [classToken, x]));
        Node pooled = b.Identity("head_drop", TokenPool.Pool(b, features, options.GlobalPool, prefixTokens: 1));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, 0, features, s_norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            // The features begin with the class token, which no block has.
            Intermediates = [.. blocks.Select(node => new IntermediateLevel(node, FeatureLayout.Nlc, grid, Norm: (extended, block) => s_norm(extended, "norm", block)))],
        };
    }

    /// <summary>Attention and perceptron, each scaled by learned factors and added.</summary>
    private static Node Block(GraphBuilder b, Node x, double mlpRatio, Func<Node, Node> attend)
    {
        Node scale1 = b.Parameter("gamma_1", [x.Shape[^1]]), scale2 = b.Parameter("gamma_2", [x.Shape[^1]]);
        x = b.Add(x, b.Identity("drop_path", b.Multiply(scale1, attend(x))));
        Node y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(mlpRatio * x.Shape[^1]), ActLayers.Torch(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path", b.Multiply(scale2, y)));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["depth_token_only"] = (c, v) => c with { TokenDepth = v.GetInt32() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["mlp_ratio_token_only"] = (c, v) => c with { TokenMlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["init_values"] = (c, _) => c, // what the scales are before training
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = _ => "token",
        Arguments = Arguments,
        ["cait_xxs24_224"] = new(192, 24, 4),
        ["cait_xxs24_384"] = new(192, 24, 4),
        ["cait_xxs36_224"] = new(192, 36, 4),
        ["cait_xxs36_384"] = new(192, 36, 4),
        ["cait_xs24_384"] = new(288, 24, 6),
        ["cait_s24_224"] = new(384, 24, 8),
        ["cait_s24_384"] = new(384, 24, 8),
        ["cait_s36_384"] = new(384, 36, 8),
        ["cait_m36_384"] = new(768, 36, 16),
        ["cait_m48_448"] = new(768, 48, 16),
    };
}
