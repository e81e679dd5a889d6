using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Pyramid Vision Transformer v2: attention to a reduced map, perceptrons with a depthwise convolution, overlapping patches.
/// timm: <c>pvt_v2.py</c>. Paper: PVT v2: Improved Baselines with Pyramid Vision Transformer, https://arxiv.org/abs/2106.13797
/// </summary>
internal static class PvtV2
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<int> Depths)
    {
        public ImmutableArray<int> Channels { get; init; } = [64, 128, 320, 512];

        public ImmutableArray<int> Heads { get; init; } = [1, 2, 5, 8];

        public ImmutableArray<double> MlpRatios { get; init; } = [8, 8, 4, 4];

        /// <summary>Side of the squares of patches that become one key and value.</summary>
        public ImmutableArray<int> Reductions { get; init; } = [8, 4, 2, 1];

        public bool QkvBias { get; init; } = true;

        /// <summary>Keys and values come from a map that is pooled to 7×7.</summary>
        public bool LinearAttention { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = OverlapPatchEmbed(b, "patch_embed", b.Input, config.Channels[0], 7, 4);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                if (stage > 0)
                    x = OverlapPatchEmbed(b, "downsample", x, config.Channels[stage], 3, 2);
                Size2 grid = (x.Shape[0], x.Shape[1]);
                int channels = x.Shape[2];
                x = b.Reshape(x, [grid.H * grid.W, channels]);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, grid, stage);
                }
                x = b.Permute(b.Reshape(Norms.LayerNorm()(b, "norm", x), [grid.H, grid.W, channels]), [2, 0, 1]);
            }
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }

        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
        Node pooled = b.Identity("head_drop", MeanPool.Build(b, x, options.GlobalPool, [1, 2]));
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses)));
    }

    /// <summary>x <c>[C, H, W]</c> → <c>[H/stride, W/stride, channels]</c>.</summary>
    private static Node OverlapPatchEmbed(GraphBuilder b, string name, Node x, int channels, int patchSize, int stride)
    {
        using (b.Scope(name))
            return b.LayerNorm("norm", b.Permute(b.Conv2d("proj", x, channels, patchSize, stride, patchSize / 2, bias: true), [1, 2, 0]));
    }

    private static Node Block(GraphBuilder b, Config config, Node x, Size2 grid, int stage)
    {
        Node y = SpatialReductionAttention.Build(b, "attn", Norms.LayerNorm()(b, "norm1", x), grid, config.Heads[stage], config.Reductions[stage], config.LinearAttention, config.QkvBias);
        x = b.Add(x, b.Identity("drop_path1", y));
        return b.Add(x, b.Identity("drop_path2", Perceptron(b, config, Norms.LayerNorm()(b, "norm2", x), grid, config.MlpRatios[stage])));
    }

    private static Node Perceptron(GraphBuilder b, Config config, Node x, Size2 grid, double ratio)
    {
        int width = x.Shape[1], hidden = (int)(ratio * width);
        using (b.Scope("mlp"))
        {
            x = b.Reshape(b.Transpose(b.Linear("fc1", x, hidden), 0, 1), [hidden, grid.H, grid.W], "view");
            x = config.LinearAttention ? b.Act("relu", x, UnaryKind.Relu) : b.Identity("relu", x);
            x = b.Conv2d("dwconv", x, hidden, 3, padding: 1, groups: hidden, bias: true);
            x = b.Act("act", b.Transpose(b.Flatten(x, 1), 0, 1), UnaryKind.Gelu);
            return b.Identity("drop", b.Linear("fc2", b.Identity("drop", x), width));
        }
    }

    /// <summary>The authors' files: stages are numbered from 1, without modules around them.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.Has("patch_embed.proj.weight"))
            return;
        c.RenameMatches((@"^patch_embed1\.", "patch_embed."), (@"\.dwconv\.dwconv\.", ".dwconv."));
        c.RenameMatches(@"^(patch_embed|block|norm)(\d)\.", m =>
        {
            string module = m.Groups[1].Value switch { "patch_embed" => "downsample", "block" => "blocks", _ => "norm" };
            return $"stages.{m.Groups[2].Value[0] - '1'}.{module}.";
        });
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["linear"] = (c, v) => c with { LinearAttention = v.GetBoolean() },
        ["num_heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["sr_ratios"] = (c, v) => c with { Reductions = v.PerStage(c.Reductions.Length) },
        ["mlp_ratios"] = (c, v) => c with { MlpRatios = v.RatioPerStage(c.MlpRatios.Length) },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["pvt_v2_b0"] = new([2, 2, 2, 2]) { Channels = [32, 64, 160, 256] },
        ["pvt_v2_b1"] = new([2, 2, 2, 2]),
        ["pvt_v2_b2"] = new([3, 4, 6, 3]),
        ["pvt_v2_b3"] = new([3, 4, 18, 3]),
        ["pvt_v2_b4"] = new([3, 8, 27, 3]),
        ["pvt_v2_b5"] = new([3, 6, 40, 3]) { MlpRatios = [4, 4, 4, 4] },
        ["pvt_v2_b2_li"] = new([3, 4, 6, 3]) { LinearAttention = true },
    };
}
