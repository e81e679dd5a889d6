using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Hiera: a hierarchical transformer without convolutions between its stages. Tokens are ordered so that windows ("mask units") and the 2×2 pixels that pooling joins are parts of
/// the first axis; stage after stage the order comes nearer to that of the map.
/// timm: <c>hiera.py</c>. Paper: Hiera, https://arxiv.org/abs/2306.00989; with absolute windows: Window Attention is Bugged, https://arxiv.org/abs/2311.05613
/// </summary>
internal static class Hiera
{
    private const int Unit = 8;

    /// <summary>What tells one variant from another; heads and width are the first stage's and double with each.</summary>
    internal sealed record Config(int Width, int Heads, ImmutableArray<int> Depths)
    {
        /// <summary>Side of a position embedding for the whole image, to which one for windows is added; 0 for one embedding of each token.</summary>
        public int GlobalPositions { get; init; }

        public double MlpRatio { get; init; } = 4;

        public bool LayerScale { get; init; }

        /// <summary>Shortcuts into wider stages are projected; otherwise maximum and mean stand side by side.</summary>
        public bool ExpandByProjection { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = b.Input;
        using (b.Scope("patch_embed"))
            x = b.Conv2d("proj", x, config.Width, 7, 4, 3, bias: true);
        Size2 grid = (b.Input.Shape[1] / 4, b.Input.Shape[2] / 4);
        if (grid.H % Unit != 0 || grid.W % Unit != 0 || (x.Shape[1], x.Shape[2]) != (grid.H, grid.W))
            throw new GraphException($"Windows of {Unit}×{Unit} patches do not divide an image of {b.Input.Shape[1]}×{b.Input.Shape[2]}; choose a size that {4 * Unit} divides.");
        using (b.Scope("patch_embed"))
            x = b.Transpose(b.Reshape(x, [config.Width, grid.H * grid.W]), 0, 1);
        x = Unroll(b, AddPositions(b, config, x, grid), grid);

        var levels = new List<FeatureLevel>();
        for (int stage = 0, block = 0; stage < config.Depths.Length; stage++)
        {
            for (int i = 0; i < config.Depths[stage]; i++, block++)
            {
                bool pools = stage > 0 && i == 0;
                // Windows are those of the stage before in the block that pools.
                int windowedStage = pools ? stage - 1 : stage, windows = windowedStage < 2 ? grid.H / Unit * (grid.W / Unit) : 0;
                using (b.Scope($"blocks.{block}"))
                    x = Block(b, config, x, config.Width << stage, config.Heads << stage, pools, windows);
            }
            levels.Add(new FeatureLevel(x.Shape[1], 4 << stage, $"blocks.{block - 1}", Reroll(b, x, (grid.H >> stage, grid.W >> stage), 3 - stage)));
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.ChannelsLast(b, x, options.NumClasses, options.GlobalPool, Norms.LayerNorm())) with
        {
            NumFeatures = x.Shape[1],
            HeadHiddenSize = x.Shape[1],
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, FeatureLayout.Nhwc))],
            FeaturesFromIntermediates = true,
            RefusesIntermediateNorm = true,
        };
    }

    private static Node AddPositions(GraphBuilder b, Config config, Node x, Size2 grid)
    {
        int width = config.Width;
        if (config.GlobalPositions == 0)
            return b.Add(x, b.Reshape(b.Parameter("pos_embed", [1, grid.H * grid.W, width]), [grid.H * grid.W, width]));
        Node global = b.Resize(b.Parameter("pos_embed", [1, width, config.GlobalPositions, config.GlobalPositions]), grid.H, grid.W, ResizeMode.Bicubic, antialias: true);
        Node positions = b.Add(global, TiledPositions(b, "pos_embed_win", width, Unit, grid));
        // FX's first addition is that of the embeddings.
        return b.Add(x, b.Transpose(b.Reshape(positions, [width, grid.H * grid.W]), 0, 1), "add_1");
    }

    /// <summary>A position embedding <c>[1, C, window, window]</c> repeated for every window of a grid: <c>[1, C, H, W]</c>.</summary>
    internal static Node TiledPositions(GraphBuilder b, string name, int width, int window, Size2 grid)
    {
        (int rows, int columns) = (grid.H / window, grid.W / window);
        Node one = b.Reshape(b.Parameter(name, [1, width, window, window]), [width, 1, window, 1, window]);
        return b.Reshape(b.Expand(one, [width, rows, window, columns, window]), [1, width, grid.H, grid.W]);
    }

    /// <summary>timm's Unroll: tokens of a grid in the order (place in the first 2×2, in the second, in the third, window).</summary>
    private static Node Unroll(GraphBuilder b, Node x, Size2 grid)
    {
        int channels = x.Shape[1], parts = 1;
        using (b.Scope("unroll"))
        {
            x = b.Reshape(x, [1, grid.H, grid.W, channels], "view");
            for (int i = 0; i < 3; i++)
            {
                (int h, int w) = (x.Shape[1] / 2, x.Shape[2] / 2);
                x = b.Permute(b.Reshape(x, [parts, h, 2, w, 2, channels], "view"), [0, 2, 4, 1, 3, 5]);
                x = b.Reshape(x, [parts *= 4, h, w, channels], "flatten");
            }
            return b.Reshape(x, [grid.H * grid.W, channels]);
        }
    }

    /// <summary>timm's Reroll: tokens that are still unrolled that many times as a map <c>[H, W, C]</c>.</summary>
    private static Node Reroll(GraphBuilder b, Node x, Size2 map, int times)
    {
        int count = x.Shape[0], channels = x.Shape[1], unit = 1;
        for (int i = 0; i < times; i++)
        {
            count /= 4;
            x = b.Reshape(x, [2, 2, count, unit, unit, channels], "#view");
            x = b.Reshape(b.Permute(x, [2, 0, 3, 1, 4, 5], "#permute"), [count, unit *= 2, unit, channels], "#reshape");
        }
        (int rows, int columns) = (map.H / unit, map.W / unit);
        x = b.Permute(b.Reshape(x, [rows, columns, unit, unit, channels], "#view"), [0, 2, 1, 3, 4], "#permute");
        return b.Reshape(x, [map.H, map.W, channels], "#reroll");
    }

    /// <param name="b">The builder.</param>
    /// <param name="config">The variant.</param>
    /// <param name="x">Tokens <c>[L, C]</c>, unrolled.</param>
    /// <param name="width">Channels of the result.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="pools">2×2 tokens become one.</param>
    /// <param name="windows">How many windows there are; 0 for global attention.</param>
    private static Node Block(GraphBuilder b, Config config, Node x, int width, int heads, bool pools, int windows)
    {
        Node normed = Norms.LayerNorm()(b, "norm1", x), shortcut = x;
        if (pools && config.ExpandByProjection)
        {
            shortcut = b.Reduce(Quarters(b.Linear("proj", normed, width)), ReduceKind.Max, [0]);
        }
        else if (pools)
        {
            Node maximum = b.Reduce(Quarters(x), ReduceKind.Max, [0]), mean = b.Reduce(Quarters(x), ReduceKind.Mean, [0]);
            shortcut = b.Concat(1, [maximum, mean]);
        }
        Node y = LayerScale.Build(b, "ls1", Attend(b, normed, width, heads, pools, windows), config.LayerScale);
        x = b.Add(shortcut, b.Identity("drop_path1", y));
        y = Mlp.Build(b, "mlp", Norms.LayerNorm()(b, "norm2", x), (int)(config.MlpRatio * width), ActLayers.Torch(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, config.LayerScale)));

        Node Quarters(Node tokens) => b.Reshape(tokens, [4, tokens.Shape[0] / 4, tokens.Shape[1]], "view");
    }

    /// <summary>timm's MaskUnitAttention: within windows or global; pooled queries make the result shorter.</summary>
    private static Node Attend(GraphBuilder b, Node x, int width, int heads, bool pools, int windows)
    {
        int length = x.Shape[0], depth = Attention.HeadWidth(width, heads);
        using (b.Scope("attn"))
        {
            x = b.Linear("qkv", x, 3 * width);
            // [3, heads, windows?, L, d]: the windows are the inner part of the tokens' axis.
            x = windows > 0
                ? b.Permute(b.Reshape(x, [length / windows, windows, 3, heads, depth]), [2, 3, 1, 0, 4])
                : b.Permute(b.Reshape(x, [length, 3, heads, depth]), [1, 2, 0, 3]);
            Node q = Attention.Part(b, x, 0), k = Attention.Part(b, x, 1), v = Attention.Part(b, x, 2);
            if (pools)
            {
                Shape leading = [.. q.Shape.Dimensions[..^2]];
                q = b.Reduce(b.Reshape(q, [.. leading, 4, q.Shape[^2] / 4, depth], "view"), ReduceKind.Max, [leading.Rank]);
            }
            x = Attention.Dot(b, q, k, v, dropout: false);
            x = b.Transpose(x, 0, windows > 0 ? 2 : 1);
            return b.Linear("proj", b.Reshape(x, [pools ? length / 4 : length, width]), width);
        }
    }

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config) => c.RenameMatches(
        (@"^head\.projection\.", "head.fc."), (@"^(encoder_)?norm\.", "head.norm."), (@"^pos_embed_abs$", "pos_embed"));

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["stages"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["init_values"] = (c, _) => c with { LayerScale = true }, // also where they begin at 0
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["use_expand_proj"] = (c, v) => c with { ExpandByProjection = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["hiera_tiny_224"] = new(96, 1, [1, 2, 7, 2]),
        ["hiera_small_224"] = new(96, 1, [1, 2, 11, 2]),
        ["hiera_base_224"] = new(96, 1, [2, 3, 16, 3]),
        ["hiera_base_plus_224"] = new(112, 2, [2, 3, 16, 3]),
        ["hiera_large_224"] = new(144, 2, [2, 6, 36, 4]),
        ["hiera_huge_224"] = new(256, 4, [2, 6, 36, 4]),
        ["hiera_small_abswin_256"] = new(96, 1, [1, 2, 11, 2]) { GlobalPositions = 16, LayerScale = true, ExpandByProjection = false },
        ["hiera_base_abswin_256"] = new(96, 1, [2, 3, 16, 3]) { GlobalPositions = 14, LayerScale = true },
    };
}
