using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Twins: attention to a reduced map (PCPVT), or windows and reduced maps by turns (SVT); a depthwise convolution behind each stage's first block tells positions.
/// timm: <c>twins.py</c>. Paper: Twins: Revisiting the Design of Spatial Attention in Vision Transformers, https://arxiv.org/abs/2104.13840
/// </summary>
internal static class Twins
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<int> Channels, ImmutableArray<int> Depths, ImmutableArray<int> Heads, ImmutableArray<double> MlpRatios)
    {
        /// <summary>Side of each stage's windows, within which every other block attends, from the first on; 1 for none.</summary>
        public ImmutableArray<int> WindowSizes { get; init; } = [1, 1, 1, 1];

        /// <summary>Side of the squares of patches that become one key and value in the other blocks.</summary>
        public ImmutableArray<int> Reductions { get; init; } = [8, 4, 2, 1];
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        NormLayer norm = Norms.TorchLayerNorm(1e-6f);
        Node x = b.Input;
        var levels = new List<FeatureLevel>();
        var intermediates = new List<IntermediateLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int patch = stage == 0 ? 4 : 2;
            if (x.Shape[1] % patch != 0 || x.Shape[2] % patch != 0)
                throw new GraphException($"Patches of {patch} do not divide the input {x.Shape[1]}×{x.Shape[2]} of stage {stage}. Choose an image size that 32 divides.");
            (x, Size2 grid) = PatchEmbed.Build(b, $"patch_embeds.{stage}", x, patch, config.Channels[stage], norm: Norms.TorchLayerNorm());
            x = b.Identity($"pos_drops.{stage}", x);
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"blocks.{stage}.{i}"))
                    x = Block(b, config, x, grid, stage, window: i % 2 == 0 ? config.WindowSizes[stage] : 1, norm);
                if (i == 0)
                    x = PositionConv(b, $"pos_block.{stage}", x, grid);
            }
            if (stage < config.Depths.Length - 1)
            {
                x = b.Permute(b.Reshape(x, [grid.H, grid.W, x.Shape[1]]), [2, 0, 1]);
                intermediates.Add(new IntermediateLevel(x));
            }
            else
            {
                intermediates.Add(new IntermediateLevel(x, FeatureLayout.Nlc, grid));
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"block.{stage}", x));
        }

        Node features = norm(b, "norm", x);
        intermediates[^1] = intermediates[^1] with { Norm = (_, _) => features };
        x = b.Identity("head_drop", MeanPool.Build(b, features, options.GlobalPool, [0]));
        return BackboneGraph.OfLevels(b, levels, features, (x, Classifier.Fc(b, "head", x, options.NumClasses))) with
        {
            NumFeatures = features.Shape[1],
            HeadHiddenSize = features.Shape[1],
            Intermediates = [.. intermediates],
            FeaturesFromIntermediates = true,
        };
    }

    private static Node Block(GraphBuilder b, Config config, Node x, Size2 grid, int stage, int window, NormLayer norm)
    {
        int heads = config.Heads[stage];
        Node y = norm(b, "norm1", x);
        y = window > 1 ? b.Leaf("attn", () => WindowAttention(b, y, grid, heads, window)) : SpatialReductionAttention.Build(b, "attn", y, grid, heads, config.Reductions[stage]);
        x = b.Add(x, b.Identity("drop_path1", y));
        return b.Add(x, b.Identity("drop_path2", Mlp.Build(b, "mlp", norm(b, "norm2", x), (int)(config.MlpRatios[stage] * x.Shape[1]), ActLayers.Torch(UnaryKind.Gelu))));
    }

    /// <summary>timm's LocallyGroupedAttn: attention within windows; the map is filled up with zeros to whole ones.</summary>
    private static Node WindowAttention(GraphBuilder b, Node x, Size2 grid, int heads, int window)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        x = Windows.Attend(b, b.Reshape(x, [grid.H, grid.W, width], "view"), window, shift: 0, masksPadding: true, (b, windows, _) =>
        {
            Node qkv = SwinTransformer.SplitHeads(b, b.Linear("qkv", windows, 3 * width), heads);
            Node y = b.Attention(Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2));
            return b.Reshape(b.Transpose(y, 1, 2), windows.Shape);
        });
        return b.Linear("proj", b.Reshape(x, [length, width]), width);
    }

    /// <summary>A depthwise convolution over the tokens' map. Paper: Conditional Positional Encodings, https://arxiv.org/abs/2102.10882</summary>
    private static Node PositionConv(GraphBuilder b, string name, Node x, Size2 grid)
    {
        int width = x.Shape[1];
        using (b.Scope(name))
        {
            Node map = b.Reshape(b.Transpose(x, 0, 1), [width, grid.H, grid.W], "view");
            x = b.Add(b.Conv2d("proj.0", map, width, 3, padding: 1, groups: width, bias: true), map);
            return b.Transpose(b.Flatten(x, 1), 0, 1);
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["mlp_ratios"] = (c, v) => c with { MlpRatios = v.RatioPerStage(c.MlpRatios.Length) },
        ["sr_ratios"] = (c, v) => c with { Reductions = v.PerStage(c.Reductions.Length) },
        ["wss"] = (c, v) => c with { WindowSizes = v.PerStage(c.WindowSizes.Length) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["twins_pcpvt_small"] = Pcpvt([3, 4, 6, 3]),
        ["twins_pcpvt_base"] = Pcpvt([3, 4, 18, 3]),
        ["twins_pcpvt_large"] = Pcpvt([3, 8, 27, 3]),
        ["twins_svt_small"] = new([64, 128, 256, 512], [2, 2, 10, 4], [2, 4, 8, 16], [4, 4, 4, 4]) { WindowSizes = [7, 7, 7, 7] },
        ["twins_svt_base"] = new([96, 192, 384, 768], [2, 2, 18, 2], [3, 6, 12, 24], [4, 4, 4, 4]) { WindowSizes = [7, 7, 7, 7] },
        ["twins_svt_large"] = new([128, 256, 512, 1024], [2, 2, 18, 2], [4, 8, 16, 32], [4, 4, 4, 4]) { WindowSizes = [7, 7, 7, 7] },
    };

    private static Config Pcpvt(ImmutableArray<int> depths) => new([64, 128, 320, 512], depths, [1, 2, 5, 8], [8, 8, 4, 4]);
}
