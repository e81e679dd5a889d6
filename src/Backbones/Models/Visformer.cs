using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Visformer: grouped convolutions in the first stage, attention over the pixels of maps in the other two. timm's model has neither a pyramid nor intermediates.
/// timm: <c>visformer.py</c>. Paper: Visformer, https://arxiv.org/abs/2104.12533
/// </summary>
internal static class Visformer
{
    /// <summary>What tells one variant from another: channels of the stem and of the second stage (the first has half, the third twice as many), and attention heads.</summary>
    internal sealed record Config(int Stem, int Width, int Heads)
    {
        public ImmutableArray<int> Depths { get; init; } = [7, 4, 4];

        public double MlpRatio { get; init; } = 4;

        /// <summary>Groups of the first stage's convolutions.</summary>
        public int Groups { get; init; } = 8;

        public bool PositionEmbedding { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = b.Input;
        if (x.Shape[1] % 2 != 0 || x.Shape[2] % 2 != 0)
            throw new GraphException($"This model takes images of even height and width, received {x.Shape[1]}×{x.Shape[2]}.");
        b.Declare("stem");
        for (int stage = 1; stage <= 3; stage++)
            b.Declare($"patch_embed{stage}", $"stage{stage}");
        x = b.Act("stem.2", b.BatchNorm("stem.1", b.Conv2d("stem.0", x, config.Stem, 7, 2, 3)), UnaryKind.Relu);
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int patch = stage == 0 ? 4 : 2, width = (config.Width / 2) << stage;
            using (b.Scope($"patch_embed{stage + 1}"))
                x = b.BatchNorm("norm", b.Conv2d("proj", x, width, patch, patch, bias: true));
            if (config.PositionEmbedding)
                x = b.Identity("pos_drop", b.Add(x, b.Reshape(b.Parameter($"pos_embed{stage + 1}", [1, .. x.Shape.Dimensions]), x.Shape)));
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"stage{stage + 1}.{i}"))
                    x = Block(b, config, x, attends: stage > 0);
            }
        }
        x = b.BatchNorm("norm", x);
        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
        Node pooled = b.Identity("head_drop", GlobalPool.Pool(b, "global_pool", x, options.GlobalPool, flatten: true));
        return BackboneGraph.OfLevels(b, [], x, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with { Intermediates = null };
    }

    private static Node Block(GraphBuilder b, Config config, Node x, bool attends)
    {
        if (attends)
            x = b.Add(x, b.Identity("drop_path", SelfAttention(b, b.BatchNorm("norm1", x), config.Heads)));
        Node y = b.BatchNorm("norm2", x);
        using (b.Scope("mlp"))
        {
            // The convolutional stage has a grouped convolution between the 1×1 ones.
            int channels = x.Shape[0], hidden = attends ? (int)(config.MlpRatio * channels) : config.Groups < 2 ? channels * 5 / 6 : 2 * channels;
            y = b.Identity("drop1", b.Act("act1", b.Conv2d("conv1", y, hidden, 1), UnaryKind.Gelu));
            y = attends ? y : b.Act("act2", b.Conv2d("conv2", y, hidden, 3, padding: 1, groups: config.Groups), UnaryKind.Gelu);
            y = b.Identity("drop3", b.Conv2d("conv3", y, channels, 1));
        }
        return b.Add(x, b.Identity("drop_path", y));
    }

    private static Node SelfAttention(GraphBuilder b, Node x, int heads)
    {
        Shape map = x.Shape;
        (int channels, int length) = (map[0], map[1] * map[2]);
        using (b.Scope("attn"))
        {
            Node qkv = b.Reshape(b.Conv2d("qkv", x, 3 * channels, 1), [3, heads, channels / heads, length]);
            qkv = b.Permute(qkv, [0, 1, 3, 2]);
            Node q = Attention.Part(b, qkv, 0), k = Attention.Part(b, qkv, 1), v = Attention.Part(b, qkv, 2);
            // The steps can be chosen as features; the result does not need them.
            Node scores = b.Affine(b.MatMul(q, b.Transpose(k, -2, -1)), Attention.Scale(q));
            b.Identity("attn_drop", b.Softmax(scores, -1));
            x = b.Permute(b.Attention(q, k, v, target: "matmul_1"), [0, 2, 1]);
            return b.Identity("proj_drop", b.Conv2d("proj", b.Reshape(x, map), channels, 1));
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["init_channels"] = (c, v) => c with { Stem = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["group"] = (c, v) => c with { Groups = v.GetInt32() },
        ["use_pos_embed"] = (c, v) => c with { PositionEmbedding = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["visformer_tiny"] = new(16, 192, 3),
        ["visformer_small"] = new(32, 384, 6),
    };
}
