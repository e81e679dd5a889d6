using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// The image encoder of Segment Anything 2: Hiera as a detector's backbone, over maps with channels last, whose windows may be filled up with zeros; a few blocks attend globally.
/// timm: <c>hieradet_sam2.py</c>. Papers: SAM 2, https://arxiv.org/abs/2408.00714; Hiera, https://arxiv.org/abs/2306.00989
/// </summary>
internal static class HieraDetSam2
{
    /// <summary>What tells one variant from another; heads and width are the first stage's and double with each.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> GlobalBlocks)
    {
        public int Width { get; init; } = 96;

        public int Heads { get; init; } = 1;

        /// <summary>Sides of the windows in each stage.</summary>
        public ImmutableArray<int> Windows { get; init; } = [8, 4, 14, 7];

        /// <summary>Side of the position embedding for the whole image.</summary>
        public int GlobalPositions { get; init; } = 7;

        public bool LayerScale { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("patch_embed"))
            x = b.Permute(b.Conv2d("proj", b.Input, config.Width, 7, 4, 3, bias: true), [1, 2, 0]);
        x = AddPositions(b, config, x);
        var levels = new List<FeatureLevel>();
        for (int stage = 0, block = 0; stage < config.Depths.Length; stage++)
        {
            for (int i = 0; i < config.Depths[stage]; i++, block++)
            {
                bool pools = stage > 0 && i == 0;
                if (pools && config.GlobalBlocks.Contains(block))
                    throw new GraphException($"Block {block} is the first of a stage, where tokens are pooled inside windows: it cannot be one of global_att_blocks.");
                int window = config.GlobalBlocks.Contains(block) ? 0 : config.Windows[pools ? stage - 1 : stage];
                using (b.Scope($"blocks.{block}"))
                    x = Block(b, config, x, config.Width << stage, config.Heads << stage, window, pools);
            }
            levels.Add(new FeatureLevel(x.Shape[2], 4 << stage, $"blocks.{block - 1}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.ChannelsLast(b, x, options.NumClasses, options.GlobalPool, Norms.LayerNorm())) with
        {
            NumFeatures = x.Shape[2],
            HeadHiddenSize = x.Shape[2],
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, FeatureLayout.Nhwc))],
            FeaturesFromIntermediates = true,
            RefusesIntermediateNorm = true,
        };
    }

    private static Node AddPositions(GraphBuilder b, Config config, Node x)
    {
        (int h, int w, int window) = (x.Shape[0], x.Shape[1], config.Windows[0]);
        if (h % window != 0 || w % window != 0)
            throw new GraphException($"The position embedding of windows of {window}×{window} does not divide a map of {h}×{w}; choose an image size that {4 * window} divides.");
        Node global = b.Resize(b.Parameter("pos_embed", [1, config.Width, config.GlobalPositions, config.GlobalPositions]), h, w, ResizeMode.Bicubic);
        Node positions = b.Reshape(b.Add(global, Hiera.TiledPositions(b, "pos_embed_window", config.Width, window, (h, w))), [config.Width, h, w]);
        // FX's first addition is that of the embeddings.
        return b.Add(x, b.Permute(positions, [1, 2, 0]), "add_1");
    }

    private static Node Block(GraphBuilder b, Config config, Node x, int width, int heads, int window, bool pools)
    {
        b.Declare("proj");
        Node y = Norms.LayerNorm()(b, "norm1", x), shortcut = x;
        if (pools)
        {
            shortcut = b.Permute(b.Linear("proj", y, width), [2, 0, 1]);
            shortcut = b.Permute(b.MaxPool2d("pool", shortcut, 2), [1, 2, 0]);
        }
        Size2 map = (x.Shape[0], x.Shape[1]), pooled = (shortcut.Shape[0], shortcut.Shape[1]);
        y = window > 0
            ? WindowAttention(b, y, width, heads, window, pools, pooled)
            : b.Reshape(Attend(b, b.Reshape(y, [1, map.H * map.W, width], "#tokens"), map, width, heads, pools: false), [map.H, map.W, width], "#map");
        // FX also adds sizes.
        int additions = window == 0 ? 0 : pools ? 4 : 2;
        x = b.Add(shortcut, b.Identity("drop_path1", LayerScale.Build(b, "ls1", y, config.LayerScale)), Addition(additions));
        y = Mlp.Build(b, "mlp", Norms.LayerNorm()(b, "norm2", x), 4 * width, ActLayers.Timm(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, config.LayerScale)), Addition(additions + 1));

        static string Addition(int number) => number == 0 ? "add" : $"add_{number}";
    }

    private static Node WindowAttention(GraphBuilder b, Node x, int width, int heads, int window, bool pools, Size2 pooled)
    {
        Size2 padded = (Windows.RoundUp(x.Shape[0], window), Windows.RoundUp(x.Shape[1], window));
        x = Windows.Partition(b, Windows.Pad(b, x, padded), window);
        x = Attend(b, x, window, width, heads, pools);
        int after = pools ? window / 2 : window;
        Size2 result = (Windows.RoundUp(pooled.H, after), Windows.RoundUp(pooled.W, after));
        if (x.Shape[0] != result.H / after * (result.W / after))
        {
            throw new GraphException($"Windows of {window}×{window} over {padded.H}×{padded.W} pixels do not become windows of {after}×{after} over {result.H}×{result.W}; "
                + "choose an image size that 32 divides.");
        }
        x = Windows.Join(b, x, after, result);
        return result == pooled ? x : b.Slice(b.Slice(x, 0, 0, pooled.H), 1, 0, pooled.W);
    }

    /// <summary>timm's MultiScaleAttention: windows <c>[windows, h · w, C]</c>; where queries are pooled, a result has a quarter of the tokens.</summary>
    private static Node Attend(GraphBuilder b, Node x, Size2 window, int width, int heads, bool pools)
    {
        (int windows, int length, int depth) = (x.Shape[0], x.Shape[1], Attention.HeadWidth(width, heads));
        using (b.Scope("attn"))
        {
            Node qkv = b.Reshape(b.Linear("qkv", x, 3 * width), [windows, length, 3, heads, depth]);
            Node Part(int i) => b.Reshape(b.Slice(qkv, 2, i, 1), [windows, length, heads, depth]);
            Node q = Part(0);
            int queries = pools ? length / 4 : length;
            if (pools)
            {
                q = b.Permute(b.Reshape(q, [windows, window.H, window.W, width]), [0, 3, 1, 2]);
                q = b.Leaf("q_pool", () => b.Reduce(b.Reshape(q, [windows, width, window.H / 2, 2, window.W / 2, 2]), ReduceKind.Max, [3, 5]));
                q = b.Reshape(b.Permute(q, [0, 2, 3, 1]), [windows, queries, heads, depth]);
            }
            q = b.Transpose(q, 1, 2);
            Node k = b.Transpose(Part(1), 1, 2), v = b.Transpose(Part(2), 1, 2);
            // FX also multiplies sizes: once, and once more after pooling.
            Attention.Maps(b, q, k, pools ? "mul_2" : "mul_1");
            x = b.Transpose(b.Attention(q, k, v, target: "matmul_1"), 1, 2);
            return b.Linear("proj", b.Reshape(x, [windows, queries, width]), width);
        }
    }

    /// <summary>SAM 2 itself, of which this is the image encoder's trunk, or the trunk alone.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.HasMatch(@"^image_encoder\.trunk\."))
            c.Take("image_encoder.trunk.");
        c.Rename((".mlp.layers.0.", ".mlp.fc1."), (".mlp.layers.1.", ".mlp.fc2."));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["stages"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["window_spec"] = (c, v) => c with { Windows = v.PerStage(c.Windows.Length) },
        ["global_att_blocks"] = (c, v) => c with { GlobalBlocks = [.. v.EnumerateArray().Select(i => i.GetInt32())] },
        ["global_pos_size"] = (c, v) => c with { GlobalPositions = v.Pair() is var (h, w) && h == w ? h : throw new ArgumentValueException("one number twice: a square") },
        ["init_values"] = (c, _) => c with { LayerScale = true }, // also where they begin at 0
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["sam2_hiera_tiny"] = new([1, 2, 7, 2], [5, 7, 9]),
        ["sam2_hiera_small"] = new([1, 2, 11, 2], [7, 10, 13]),
        ["sam2_hiera_base_plus"] = new([2, 3, 16, 3], [12, 16, 20]) { Width = 112, Heads = 2, GlobalPositions = 14 },
        ["sam2_hiera_large"] = new([2, 6, 36, 4], [23, 33, 43]) { Width = 144, Heads = 2, Windows = [8, 4, 16, 8] },
        ["hieradet_small"] = new([1, 2, 11, 2], [7, 10, 13]) { Windows = [8, 4, 16, 8], LayerScale = true },
    };
}
