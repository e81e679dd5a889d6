using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// DaViT: blocks that attend to pixels within windows and blocks that attend to channels, by turns; the image encoder of Florence-2.
/// timm: <c>davit.py</c>. Papers: DaViT: Dual Attention Vision Transformers, https://arxiv.org/abs/2204.03645; Florence-2, https://arxiv.org/abs/2311.06242
/// </summary>
internal static class DaViT
{
    /// <summary>An attention over a map, in its block's scope: tokens <c>[H · W, C]</c> → the same.</summary>
    private delegate Node AttentionLayers(Node tokens);

    /// <summary>What tells one variant from another; heads and width are the first stage's and double with each.</summary>
    internal sealed record Config(int Width, int Heads, ImmutableArray<int> Depths)
    {
        /// <summary>Channels stage by stage.</summary>
        public ImmutableArray<int> Widths { get; init; } = [.. Depths.Select((_, stage) => Width << stage)];

        /// <summary>Heads stage by stage.</summary>
        public ImmutableArray<int> StageHeads { get; init; } = [.. Depths.Select((_, stage) => Heads << stage)];

        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; } = true;

        /// <summary>GELU behind the position convolutions.</summary>
        public bool PositionAct { get; init; }

        public int Window { get; init; } = 7;

        /// <summary>Kernel of the convolutions between stages.</summary>
        public int DownKernel { get; init; } = 2;

        /// <summary>Florence-2's channel attention, whose scale is that of the number of pixels, and its names of blocks.</summary>
        public bool Florence { get; init; }
    }

    private static readonly NormLayer s_norm = Norms.LayerNorm(1e-5f);

    private static readonly NormLayer s_mapNorm = Norms.LayerNorm2d(1e-5f);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("stem"))
            x = s_mapNorm(b, "norm", b.Conv2d("conv", FillUp(b, b.Input, 4), config.Widths[0], 7, 4, 3, bias: true));
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage > 0 ? Downsample(b, config, x, config.Widths[stage]) : b.Identity("downsample", x);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                    {
                        x = Block(b, config, config.Florence ? "spatial_block" : "0", x, tokens => SpatialAttention(b, config, tokens, x.Shape, config.StageHeads[stage]));
                        x = Block(b, config, config.Florence ? "channel_block" : "1", x, tokens => ChannelAttention(b, config, tokens, config.StageHeads[stage]));
                    }
                }
            }
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }
        x = b.Identity("norm_pre", x);
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.PoolNormMlp(b, x, options.NumClasses, options.GlobalPool, s_mapNorm, hidden: null, ActLayers.Timm(UnaryKind.Gelu)));
    }

    private static Node Downsample(GraphBuilder b, Config config, Node x, int channels)
    {
        using (b.Scope("downsample"))
        {
            x = s_mapNorm(b, "norm", x);
            return config.DownKernel % 2 == 0
                ? b.Conv2d("conv", FillUp(b, x, config.DownKernel), channels, config.DownKernel, 2, bias: true)
                : b.Conv2d("conv", x, channels, config.DownKernel, 2, config.DownKernel / 2, bias: true);
        }
    }

    /// <summary>Zeros below and to the right of a map <c>[C, H, W]</c> until <paramref name="step"/> divides its sides.</summary>
    private static Node FillUp(GraphBuilder b, Node x, int step)
    {
        var border = new Padding(0, 0, Windows.RoundUp(x.Shape[1], step) - x.Shape[1], Windows.RoundUp(x.Shape[2], step) - x.Shape[2]);
        return border == default ? b.Identity("pad", x) : b.Pad2d(x, border);
    }

    /// <summary>x <c>[C, H, W]</c> → the same: a position convolution, attention, another one, a perceptron.</summary>
    private static Node Block(GraphBuilder b, Config config, string name, Node x, AttentionLayers attention)
    {
        Shape map = x.Shape;
        using (b.Scope(name))
        {
            x = Tokens(PositionConv(b, config, "cpe1", x));
            x = b.Add(x, b.Identity("drop_path1", attention(s_norm(b, "norm1", x))));
            x = Tokens(PositionConv(b, config, "cpe2", Map(x)));
            Node y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(config.MlpRatio * map[0]), ActLayers.Torch(UnaryKind.Gelu));
            return Map(b.Add(x, b.Identity("drop_path2", y)));
        }

        Node Tokens(Node y) => b.Transpose(b.Flatten(y, 1), 0, 1);

        Node Map(Node y) => b.Reshape(b.Transpose(y, 0, 1), map, "view");
    }

    /// <summary>A depthwise convolution added to its input. Paper: Conditional Positional Encodings, https://arxiv.org/abs/2102.10882</summary>
    private static Node PositionConv(GraphBuilder b, Config config, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node y = b.Conv2d("proj", x, x.Shape[0], 3, padding: 1, groups: x.Shape[0], bias: true);
            return b.Add(x, config.PositionAct ? b.Act("act", y, UnaryKind.Gelu) : b.Identity("act", y));
        }
    }

    private static Node SpatialAttention(GraphBuilder b, Config config, Node x, Shape map, int heads)
    {
        Node y = b.Reshape(x, [map[1], map[2], map[0]], "view");
        y = Windows.Attend(b, y, config.Window, shift: 0, masksPadding: true, (b, windows, _) =>
        {
            using (b.Scope("attn"))
            {
                Node qkv = SwinTransformer.SplitHeads(b, b.Linear("qkv", windows, 3 * map[0], config.QkvBias), heads);
                Node attended = Attention.Dot(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2), dropout: false);
                return b.Linear("proj", b.Reshape(b.Transpose(attended, 1, 2), windows.Shape), map[0]);
            }
        });
        return b.Reshape(y, x.Shape, "view");
    }

    /// <summary>Channels of a group attend to each other: softmax(k·vᵀ)·q over channels, in Florence-2 softmax(q·kᵀ)·v.</summary>
    private static Node ChannelAttention(GraphBuilder b, Config config, Node x, int groups)
    {
        bool florence = config.Florence;
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int depth = Attention.HeadWidth(width, groups);
        using (b.Scope("attn"))
        {
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, config.QkvBias), [length, 3, groups, depth]), [1, 2, 0, 3]);
            Node q = Attention.Part(b, qkv, 0), k = Attention.Part(b, qkv, 1), v = Attention.Part(b, qkv, 2);
            (Node left, Node right, Node values) = florence ? (q, k, v) : (k, v, q);
            Node scaled = b.Affine(left, 1 / MathF.Sqrt(florence ? length : depth));
            Node maps = b.Softmax(b.MatMul(b.Transpose(scaled, -2, -1), right), -1);
            // The product of channels and its transposition can be chosen; the result is the other way round at once.
            b.MatMul(maps, b.Transpose(values, -2, -1));
            x = b.MatMul(values, maps, transposeB: true, target: "transpose_2");
            return b.Linear("proj", Attention.MergeHeads(b, x), width);
        }
    }

    /// <summary>The authors' files, and Florence-2, of which this is the image encoder.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.HasMatch(@"^vision_tower\."))
        {
            c.Take("vision_tower.");
            c.RenameMatches(
                (@"^convs\.(\d+)\.", "stages.$1.downsample."), (@"^blocks\.(\d+)\.", "stages.$1.blocks."),
                (@"\.(window|channel)_attn\.norm\.", ".norm1."), (@"\.(window|channel)_attn\.fn\.", ".attn."));
            c.Rename((".ffn.norm.", ".norm2."), (".ffn.fn.net.", ".mlp."), (".conv1.fn.dw.", ".cpe1.proj."), (".conv2.fn.dw.", ".cpe2.proj."));
        }
        else if (!c.Has("head.fc.weight"))
        {
            c.RenameMatches(
                (@"^patch_embeds\.(\d+)\.", "stages.$1.downsample."), (@"^main_blocks\.(\d+)\.", "stages.$1.blocks."), (@"^head\.(?!norm\.)", "head.fc."), (@"^norms\.", "head.norm."),
                (@"\.cpe\.0\.", ".cpe1."), (@"\.cpe\.1\.", ".cpe2."));
        }
        c.Rename((".downsample.proj.", ".downsample.conv."), ("stages.0.downsample.", "stem."));
        if (config.Florence && !c.Has("head.norm.weight"))
        {
            // It has no norm behind its pooling. timm loads it all the same, and leaves its own as it was made.
            int width = config.Widths[^1];
            c["head.norm.weight"] = c.Ops.Affine(c.Zeros([width]), 1, 1);
            c["head.norm.bias"] = c.Zeros([width]);
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["window_size"] = (c, v) => c with { Window = v.Number() },
        ["embed_dims"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["num_heads"] = (c, v) => c with { StageHeads = v.PerStage(c.StageHeads.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["cpe_act"] = (c, v) => c with { PositionAct = v.GetBoolean() },
        ["down_kernel_size"] = (c, v) => c with { DownKernel = v.GetInt32() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["davit_tiny"] = new(96, 3, [1, 1, 3, 1]),
        ["davit_small"] = new(96, 3, [1, 1, 9, 1]),
        ["davit_base"] = new(128, 4, [1, 1, 9, 1]),
        ["davit_large"] = new(192, 6, [1, 1, 9, 1]),
        ["davit_huge"] = new(256, 8, [1, 1, 9, 1]),
        ["davit_giant"] = new(384, 12, [1, 1, 12, 3]),
        ["davit_base_fl"] = Florence(128, 4),
        ["davit_huge_fl"] = Florence(256, 8),
    };

    private static Config Florence(int width, int heads) => new(width, heads, [1, 1, 9, 1]) { Window = 12, DownKernel = 3, Florence = true };
}
