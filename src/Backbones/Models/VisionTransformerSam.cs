using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// The image encoder of Segment Anything: a vision transformer that attends within windows, and in a few blocks to the whole map; a convolutional neck gives its features.
/// timm: <c>vision_transformer_sam.py</c>. Papers: Segment Anything, https://arxiv.org/abs/2304.02643; Exploring Plain Vision Transformer Backbones for Object Detection, https://arxiv.org/abs/2203.16527
/// </summary>
internal static class VisionTransformerSam
{
    private static readonly NormLayer s_norm = Norms.TorchLayerNorm();

    /// <param name="Width">Channels.</param>
    /// <param name="Depth">Blocks.</param>
    /// <param name="Heads">Heads.</param>
    /// <param name="GlobalBlocks">The blocks that attend to the whole map.</param>
    internal sealed record Config(int Width, int Depth, int Heads, ImmutableArray<int> GlobalBlocks)
    {
        public int PatchSize { get; init; } = 16;

        /// <summary>Side of the windows of the other blocks.</summary>
        public int Window { get; init; } = 14;

        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; } = true;

        public bool LayerScale { get; init; }

        public bool PositionEmbedding { get; init; } = true;

        /// <summary>Channels of the neck; null for a norm in its place.</summary>
        public int? Neck { get; init; } = 256;

        public bool IsGlobal(int block) => GlobalBlocks.Contains(block);
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (config.PositionEmbedding)
            b.Declare("pos_embed");
        Node x = PatchEmbed.Map(b, "patch_embed", b.Input, config.PatchSize, config.Width, norm: null);
        Size2 grid = (x.Shape[0], x.Shape[1]);
        if (config.PositionEmbedding)
            x = b.Add(x, b.Reshape(b.Parameter("pos_embed", [1, .. x.Shape]), x.Shape));
        x = b.Identity("norm_pre", b.Identity("patch_drop", b.Identity("pos_drop", x)));

        int window = config.Window;
        Size2 padded = (Windows.RoundUp(grid.H, window), Windows.RoundUp(grid.W, window));
        Node globalPlaces = DecomposedRelPos.Places(b, 1, config.Heads, grid);
        Node windowPlaces = DecomposedRelPos.Places(b, padded.H * padded.W / (window * window), config.Heads, window);
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = config.IsGlobal(i) ? Block(b, config, x, y => Global(b, config, y, globalPlaces)) : Block(b, config, x, y => Windowed(b, config, y, padded, windowPlaces));
            blocks.Add(x);
        }

        Node[] maps = [.. blocks.Select(block => b.Permute(block, [2, 0, 1], "#map"))];
        Node features = Neck(b, config, b.Permute(x, [2, 0, 1]));
        (Node PreLogits, Node Logits) head = ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool);
        return new()
        {
            Graph = b.Build(head.Logits),
            Features = features,
            PreLogits = head.PreLogits,
            NumFeatures = features.Shape[0],
            HeadHiddenSize = config.Width,
            Levels = [.. blocks.Select((node, i) => new FeatureLevel(config.Width, config.PatchSize, $"blocks.{i}", node))],
            // timm takes the neck for the norm of the intermediates.
            Intermediates = [.. maps.Select(node => new IntermediateLevel(node, Norm: (extended, map) => map == maps[^1] ? features : Neck(extended, config, map)))],
            DefaultOutIndices = [-3, -2, -1],
            FeaturesFromIntermediates = true,
            Adapters = Adapters(config),
        };
    }

    private static Node Block(GraphBuilder b, Config config, Node x, Func<Node, Node> attend)
    {
        Shape map = x.Shape;
        x = b.Add(x, attend(s_norm(b, "norm1", x)));
        x = b.Reshape(x, [map[0] * map[1], map[2]]);
        Node y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(config.MlpRatio * config.Width), ActLayers.Torch(UnaryKind.Gelu));
        return b.Reshape(b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, config.LayerScale))), map);
    }

    private static Node Global(GraphBuilder b, Config config, Node x, Node places)
    {
        Node tokens = b.Reshape(x, [1, x.Shape[0] * x.Shape[1], x.Shape[2]]);
        return b.Reshape(Attend(b, config, tokens, (x.Shape[0], x.Shape[1]), places), x.Shape);
    }

    private static Node Windowed(GraphBuilder b, Config config, Node x, Size2 padded, Node places)
    {
        Node windows = Windows.Partition(b, Windows.Pad(b, x, padded), config.Window);
        Node map = Windows.Join(b, Attend(b, config, windows, config.Window, places), config.Window, padded);
        return b.Slice(b.Slice(map, 0, 0, x.Shape[0]), 1, 0, x.Shape[1]);
    }

    /// <summary>Attention within each window: <c>[windows, H · W, C]</c> → the same.</summary>
    private static Node Attend(GraphBuilder b, Config config, Node x, Size2 grid, Node places)
    {
        (int windows, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int headWidth = Attention.HeadWidth(width, config.Heads);
        using (b.Scope("attn"))
        {
            b.Declare("qkv", "proj");
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, config.QkvBias), [windows, length, 3, config.Heads, headWidth]), [2, 0, 3, 1, 4]);
            Node q = b.Identity("q_norm", Attention.Part(b, qkv, 0)), k = b.Identity("k_norm", Attention.Part(b, qkv, 1));
            x = DecomposedRelPos.Attend(b, q, k, Attention.Part(b, qkv, 2), grid, places);
            x = b.Reshape(b.Transpose(x, 1, 2), [windows, length, width]);
            x = b.Identity("proj_drop", b.Linear("proj", x, width));
        }
        return b.Identity("drop_path1", LayerScale.Build(b, "ls1", x, config.LayerScale));
    }

    /// <summary>Two convolutions, a norm behind each; or the norm alone. A map <c>[C, H, W]</c>.</summary>
    private static Node Neck(GraphBuilder b, Config config, Node x)
    {
        NormLayer norm = Norms.LayerNorm2d();
        if (config.Neck is not { } channels)
            return norm(b, "neck", x);
        using (b.Scope("neck"))
        {
            x = norm(b, "1", b.Conv2d("0", x, channels, 1));
            return norm(b, "3", b.Conv2d("2", x, channels, 3, padding: 1));
        }
    }

    /// <summary>What timm does when the image has another size than the model was made for.</summary>
    private static ImmutableDictionary<string, ParameterAdapter> Adapters(Config config)
    {
        string[] tables = [.. Enumerable.Range(0, config.Depth).Where(config.IsGlobal).SelectMany(i => new[] { $"blocks.{i}.attn.rel_pos_h", $"blocks.{i}.attn.rel_pos_w" })];
        return tables.ToImmutableDictionary(key => key, _ => DecomposedRelPos.Resized).Add("pos_embed", ResizedPositions);
    }

    private static Node ResizedPositions(GraphBuilder b, Node source, Shape target)
    {
        if (source.Shape == target)
            return source;
        Node map = b.Permute(b.Reshape(source, [.. source.Shape.Dimensions[1..]]), [2, 0, 1]);
        return b.Reshape(b.Permute(b.Resize(map, target[1], target[2], ResizeMode.Bicubic, antialias: true), [1, 2, 0]), target);
    }

    /// <summary>The authors' files, which hold the whole of Segment Anything.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Take("image_encoder.");
        c.Rename(("mlp.lin", "mlp.fc"));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["global_attn_indexes"] = (c, v) => c with { GlobalBlocks = [.. v.EnumerateArray().Select(i => i.GetInt32())] },
        ["use_abs_pos"] = (c, v) => c with { PositionEmbedding = v.GetBoolean() },
        ["neck_chans"] = (c, v) => c with { Neck = v.GetInt32() },
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["init_values"] = (c, v) => c with { LayerScale = v.GetDouble() != 0 },
        ["window_size"] = (c, v) => c with { Window = v.Number() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["samvit_base_patch16"] = new(768, 12, 12, [2, 5, 8, 11]),
        ["samvit_large_patch16"] = new(1024, 24, 16, [5, 11, 17, 23]),
        ["samvit_huge_patch16"] = new(1280, 32, 16, [7, 15, 23, 31]),
        ["samvit_base_patch16_224"] = new(768, 12, 12, [2, 5, 8, 11]) { PositionEmbedding = false, Neck = null },
    };
}
