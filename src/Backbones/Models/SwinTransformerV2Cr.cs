using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Swin Transformer V2 by Christoph Reich and Ross Wightman, from before the authors' own: windows are an eighth of the patch grid, so that they grow with the image, and maps have
/// their channels first between stages.
/// timm: <c>swin_transformer_v2_cr.py</c>. Paper: Swin Transformer V2, https://arxiv.org/abs/2111.09883
/// </summary>
internal static class SwinTransformerV2Cr
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int Width, ImmutableArray<int> Depths, ImmutableArray<int> Heads)
    {
        public double MlpRatio { get; init; } = 4;

        /// <summary>Every that many blocks of a stage end with a norm; 0 for none. The last block of all does in any case.</summary>
        public int ExtraNormPeriod { get; init; }

        /// <summary>The last block of each stage ends with a norm.</summary>
        public bool ExtraNormStage { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // timm takes any output stride and lets it have no effect.
        options.RequireOutputStride(8, 16, 32);
        Node x = PatchEmbed.Map(b, "patch_embed", b.Input, 4, config.Width, Norms.TorchLayerNorm());
        Size2 windowOfGrid = (x.Shape[0] / 8, x.Shape[1] / 8);
        if (windowOfGrid.H == 0 || windowOfGrid.W == 0)
            throw new GraphException($"Windows are an eighth of the patch grid, which is {x.Shape[0]}×{x.Shape[1]} here; images must have 32 pixels at least.");
        using (b.Scope("patch_embed"))
            x = ChannelsFirst(b, x);
        var levels = new List<FeatureLevel>();
        Size2 grid = (x.Shape[1], x.Shape[2]);
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                Size2 counted = Windows.CountedSize(grid, stage);
                x = b.Permute(x, [1, 2, 0]);
                x = stage > 0 ? PatchMerging.Build(b, "downsample", x, config.Width << stage, Norms.TorchLayerNorm()) : b.Identity("downsample", x);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    bool endsStage = i == config.Depths[stage] - 1 && (config.ExtraNormStage || stage == config.Depths.Length - 1);
                    bool extraNorm = endsStage || (config.ExtraNormPeriod > 0 && (i + 1) % config.ExtraNormPeriod == 0);
                    (Size2 window, Size2 shift) = Windows.Fit(counted, windowOfGrid, shifted: i % 2 == 1);
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, config.Heads[stage], window, shift, extraNorm);
                }
                x = ChannelsFirst(b, x);
            }
            levels.Add(new FeatureLevel(config.Width << stage, 4 << stage, $"stages.{stage}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool));
    }

    private static Node ChannelsFirst(GraphBuilder b, Node x) => b.Permute(x, [2, 0, 1]);

    private static Node Block(GraphBuilder b, Config config, Node x, int heads, Size2 window, Size2 shift, bool extraNorm)
    {
        NormLayer norm = Norms.TorchLayerNorm();
        Node y = Windows.Attend(b, x, window, shift, masksPadding: false, (b, windows, mask) => Attend(b, windows, heads, window, mask));
        x = b.Add(x, b.Identity("drop_path1", norm(b, "norm1", y)));
        Shape map = x.Shape;
        x = b.Reshape(x, [map[0] * map[1], map[2]]);
        y = Mlp.Build(b, "mlp", x, (int)(config.MlpRatio * map[2]), ActLayers.Torch(UnaryKind.Gelu));
        x = b.Add(x, b.Identity("drop_path2", norm(b, "norm2", y)));
        x = Norms.OrIdentity(extraNorm ? norm : null)(b, "norm3", x);
        return b.Reshape(x, map);
    }

    private static Node Attend(GraphBuilder b, Node x, int heads, Size2 window, Node? mask)
    {
        using (b.Scope("attn"))
        {
            b.Declare("qkv", "proj");
            Node logitScale = b.Reshape(b.Parameter("logit_scale", [heads]), [heads, 1, 1]);
            Node positions = RelPosMlp.LogDistances(b, "meta_mlp", window, heads, 384);
            Node qkv = SwinTransformer.SplitHeads(b, b.Linear("qkv", x, 3 * x.Shape[2]), heads, "view");
            Node y = BiasedAttention.Cosine(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2), logitScale, positions, mask);
            // FX's second transposition is that of the position bias, which depends on no input.
            return SwinTransformer.Project(b, y, "transpose_2");
        }
    }

    /// <summary>Files from before the temperature was learned by its logarithm: 'tau' is what the scores were divided by.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Change(@"\.tau$", tau => c.Ops.Unary(c.Ops.Unary(tau, UnaryKind.Reciprocal, "reciprocal"), UnaryKind.Log, "log"));
        c.RenameMatches((@"\.tau$", ".logit_scale"), (@"^head\.(?!fc\.)", "head.fc."));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["extra_norm_period"] = (c, v) => c with { ExtraNormPeriod = v.GetInt32() },
        ["extra_norm_stage"] = (c, v) => c with { ExtraNormStage = v.GetBoolean() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["swinv2_cr_tiny_384"] = Tiny,
        ["swinv2_cr_tiny_224"] = Tiny,
        ["swinv2_cr_tiny_ns_224"] = Tiny with { ExtraNormStage = true },
        ["swinv2_cr_small_384"] = Small,
        ["swinv2_cr_small_224"] = Small,
        ["swinv2_cr_small_ns_224"] = Small with { ExtraNormStage = true },
        ["swinv2_cr_small_ns_256"] = Small with { ExtraNormStage = true },
        ["swinv2_cr_base_384"] = Base,
        ["swinv2_cr_base_224"] = Base,
        ["swinv2_cr_base_ns_224"] = Base with { ExtraNormStage = true },
        ["swinv2_cr_large_384"] = Large,
        ["swinv2_cr_large_224"] = Large,
        ["swinv2_cr_huge_384"] = new(352, [2, 2, 18, 2], [11, 22, 44, 88]) { ExtraNormPeriod = 6 },
        ["swinv2_cr_huge_224"] = new(352, [2, 2, 18, 2], [8, 16, 32, 64]) { ExtraNormPeriod = 6 },
        ["swinv2_cr_giant_384"] = Giant,
        ["swinv2_cr_giant_224"] = Giant,
    };

    private static Config Tiny { get; } = new(96, [2, 2, 6, 2], [3, 6, 12, 24]);

    private static Config Small { get; } = new(96, [2, 2, 18, 2], [3, 6, 12, 24]);

    private static Config Base { get; } = new(128, [2, 2, 18, 2], [4, 8, 16, 32]);

    private static Config Large { get; } = new(192, [2, 2, 18, 2], [6, 12, 24, 48]);

    private static Config Giant { get; } = new(512, [2, 2, 42, 2], [16, 32, 64, 128]) { ExtraNormPeriod = 6 };
}
