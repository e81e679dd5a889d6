using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Swin Transformer: attention within windows of a map, which every second block shifts by half a window. All maps have their channels last, those of the pyramid too.
/// timm: <c>swin_transformer.py</c>. Papers: Swin Transformer, https://arxiv.org/abs/2103.14030; AutoFormerV2 (S3), https://arxiv.org/abs/2111.14725
/// </summary>
internal static class SwinTransformer
{
    /// <summary>A block, in its scope: map <c>[H, W, C]</c> → <c>[H, W, C]</c>.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, BlockArgs args, Node x);

    /// <summary>What tells one variant from another; the defaults are Swin's.</summary>
    internal sealed record Config(int Width, ImmutableArray<int> Depths, ImmutableArray<int> Heads, ImmutableArray<int> Windows)
    {
        public BlockLayers Block { get; init; } = PreNormBlock;

        public int PatchSize { get; init; } = 4;

        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; } = true;

        /// <summary>The norm of a patch merging stands before its reduction.</summary>
        public bool MergeNormFirst { get; init; } = true;

        /// <summary>The windows that each stage's distances are relative to; 0 for the model's own (V2).</summary>
        public ImmutableArray<int> PretrainedWindows { get; init; } = [0, 0, 0, 0];
    }

    /// <summary>What tells one block from another.</summary>
    /// <param name="Heads">Number of heads.</param>
    /// <param name="Window">Size of a window, not above the map's.</param>
    /// <param name="Shift">Rows and columns that the windows are shifted by.</param>
    /// <param name="PretrainedWindow">The window that distances are relative to (V2); 0 for this one.</param>
    /// <param name="MlpRatio">Width of the perceptron, relative to the block's.</param>
    /// <param name="QkvBias">Whether queries and values, and keys but for V2, have biases.</param>
    /// <param name="HasDropPath">timm's drop path is a module (an identity) where its rate is 0, in the first block; others have no node.</param>
    internal sealed record BlockArgs(int Heads, Size2 Window, Size2 Shift, int PretrainedWindow, double MlpRatio, bool QkvBias, bool HasDropPath);

    internal static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // timm takes any output stride and lets it have no effect.
        options.RequireOutputStride(8, 16, 32);
        GlobalPool.Require(options.CreatedPool, "avg", "");
        Node x = PatchEmbed.Map(b, "patch_embed", b.Input, config.PatchSize, config.Width, Norms.TorchLayerNorm());
        var levels = new List<FeatureLevel>();
        var adapters = ImmutableDictionary.CreateBuilder<string, ParameterAdapter>();
        Size2 grid = (x.Shape[0], x.Shape[1]);
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int channels = config.Width << stage;
            using (b.Scope($"layers.{stage}"))
            {
                x = stage > 0 ? PatchMerging.Build(b, "downsample", x, channels, Norms.TorchLayerNorm(), config.MergeNormFirst) : b.Identity("downsample", x);
                Size2 counted = Windows.CountedSize(grid, stage);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    (Size2 window, Size2 shift) = Windows.Fit(counted, config.Windows[stage], shifted: i % 2 == 1);
                    using (b.Scope($"blocks.{i}"))
                    {
                        x = config.Block(b, new BlockArgs(config.Heads[stage], window, shift, config.PretrainedWindows[stage], config.MlpRatio, config.QkvBias, HasDropPath: stage == 0 && i == 0), x);
                        adapters[$"{b.Path}.attn.relative_position_bias_table"] = RelPosBias.Resized(window);
                    }
                }
            }
            levels.Add(new FeatureLevel(channels, config.PatchSize << stage, $"layers.{stage}", x));
        }

        Node features = Norms.TorchLayerNorm()(b, "norm", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool, channelsLast: true)) with
        {
            NumFeatures = x.Shape[2],
            HeadHiddenSize = x.Shape[2],
            LevelLayout = FeatureLayout.Nhwc,
            // The norm fits the last stage alone.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, FeatureLayout.Nhwc, Norm: l.Node == x ? (_, _) => features : null))],
            Adapters = adapters.ToImmutable().Add("patch_embed.proj.weight", ParameterAdapters.PatchEmbedding()),
        };
    }

    private static Node PreNormBlock(GraphBuilder b, BlockArgs args, Node x)
    {
        Node y = Norms.TorchLayerNorm()(b, "norm1", x);
        y = Windows.Attend(b, y, args.Window, args.Shift, masksPadding: true, (b, windows, mask) => Attend(b, args, windows, mask));
        x = b.Add(x, DropPath(b, args, "drop_path1", y));
        return Perceptron(b, x, tokens =>
        {
            tokens = Norms.TorchLayerNorm()(b, "norm2", tokens);
            return DropPath(b, args, "drop_path2", Mlp.Build(b, "mlp", tokens, (int)(args.MlpRatio * x.Shape[2]), ActLayers.Torch(UnaryKind.Gelu)));
        });
    }

    /// <summary>Adds to a map what a perceptron makes of its pixels as tokens.</summary>
    internal static Node Perceptron(GraphBuilder b, Node x, Func<Node, Node> layers)
    {
        Node tokens = b.Reshape(x, [x.Shape[0] * x.Shape[1], x.Shape[2]]);
        return b.Reshape(b.Add(tokens, layers(tokens)), x.Shape);
    }

    internal static Node DropPath(GraphBuilder b, BlockArgs args, string name, Node x) => args.HasDropPath ? b.Identity(name, x) : x;

    private static Node Attend(GraphBuilder b, BlockArgs args, Node x, Node? mask)
    {
        using (b.Scope("attn"))
        {
            Node bias = RelPosBias.FromTable(b, args.Window, args.Heads);
            Node qkv = SplitHeads(b, b.Linear("qkv", x, 3 * x.Shape[2], args.QkvBias), args.Heads);
            Node y = BiasedAttention.Dot(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2), bias, mask);
            return Project(b, y);
        }
    }

    /// <summary>Queries, keys and values of windows <c>[windows, L, 3 C]</c> as <c>[3, windows, heads, L, d]</c>.</summary>
    internal static Node SplitHeads(GraphBuilder b, Node qkv, int heads, string target = "reshape")
    {
        (int windows, int length, int width) = (qkv.Shape[0], qkv.Shape[1], qkv.Shape[2] / 3);
        return b.Permute(b.Reshape(qkv, [windows, length, 3, heads, Attention.HeadWidth(width, heads)], target), [2, 0, 3, 1, 4]);
    }

    /// <summary>The output projection over the heads' values <c>[windows, heads, L, d]</c>.</summary>
    internal static Node Project(GraphBuilder b, Node x, string transposeTarget = "transpose")
    {
        (int windows, int heads, int length, int depth) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        x = b.Reshape(b.Transpose(x, 1, 2, transposeTarget), [windows, length, heads * depth]);
        return b.Identity("proj_drop", b.Linear("proj", x, heads * depth));
    }

    /// <summary>The authors' files: a layer's patch merging stands at the end of the one before.</summary>
    internal static void Remap(Checkpoint c, Config config)
    {
        c.Drop(@"\.(relative_position_index|relative_coords_table|attn_mask)$");
        if (!c.HasMatch(@"^layers\.0\.downsample\."))
            return;
        c.RenameMatches(@"^layers\.(\d+)\.downsample\.", m => $"layers.{Checkpoint.Number(m.Groups[1]) + 1}.downsample.");
        c.RenameMatches((@"^head\.(?!fc\.)", "head.fc."));
    }

    internal static IReadOnlyDictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new Dictionary<string, Func<Config, JsonElement, Config>>
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["window_size"] = (c, v) => c with { Windows = v.ForStages(c.Windows.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["swin_tiny_patch4_window7_224"] = Tiny(7),
        ["swin_small_patch4_window7_224"] = Small(7),
        ["swin_base_patch4_window7_224"] = Base(7),
        ["swin_base_patch4_window12_384"] = Base(12),
        ["swin_large_patch4_window7_224"] = Large(7),
        ["swin_large_patch4_window12_384"] = Large(12),
        ["swin_s3_tiny_224"] = Tiny(7) with { Windows = [7, 7, 14, 7] },
        ["swin_s3_small_224"] = Small(7) with { Windows = [14, 14, 14, 7] },
        ["swin_s3_base_224"] = Tiny(7) with { Depths = [2, 2, 30, 2], Windows = [7, 7, 14, 7] },
    };

    internal static Config Tiny(int window) => new(96, [2, 2, 6, 2], [3, 6, 12, 24], [window, window, window, window]);

    internal static Config Small(int window) => Tiny(window) with { Depths = [2, 2, 18, 2] };

    internal static Config Base(int window) => new(128, [2, 2, 18, 2], [4, 8, 16, 32], [window, window, window, window]);

    internal static Config Large(int window) => new(192, [2, 2, 18, 2], [6, 12, 24, 48], [window, window, window, window]);
}
