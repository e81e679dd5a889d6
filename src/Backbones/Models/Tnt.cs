using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// TNT: a transformer over the pixels of each patch inside a transformer over the patches.
/// timm: <c>tnt.py</c>. Paper: Transformer in Transformer, https://arxiv.org/abs/2103.00112
/// </summary>
internal static class Tnt
{
    private const int PatchSize = 16, Stride = 4;

    /// <summary>What tells one variant from another: channels of a patch and of a pixel, heads over patches.</summary>
    internal sealed record Config(int Width, int InnerWidth, int Heads)
    {
        public int Depth { get; init; } = 12;

        /// <summary>Heads over pixels.</summary>
        public int InnerHeads { get; init; } = 4;

        /// <summary>Width of the perceptrons over patches.</summary>
        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; }

        /// <summary>The first convolution sees across the borders of the patches, and the blocks' projections have their norm before alone.</summary>
        public bool Legacy { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        TokenPool.Require(options.GlobalPool, "token", "avg", "");
        Size2 grid = (b.Input.Shape[1] / PatchSize, b.Input.Shape[2] / PatchSize);
        if (b.Input.Shape[1] % PatchSize != 0 || b.Input.Shape[2] % PatchSize != 0)
            throw new GraphException($"TNT takes images whose sides are multiples of {PatchSize}, not {b.Input.Shape[1]}×{b.Input.Shape[2]}.");
        int patches = grid.H * grid.W, side = PatchSize / Stride;
        Node classToken = b.Reshape(b.Parameter("cls_token", [1, 1, config.Width]), [1, config.Width]);
        Node patchPositions = b.Reshape(b.Parameter("patch_pos", [1, patches + 1, config.Width]), [patches + 1, config.Width]);
        Node pixelPositions = b.Parameter("pixel_pos", [1, config.InnerWidth, side, side]);

        Node pixels = PixelEmbed(b, config, grid, pixelPositions);
        Node x = Norm(b, "norm1_proj", b.Reshape(pixels, [patches, side * side * config.InnerWidth]));
        x = Norm(b, "norm2_proj", b.Linear("proj", x, config.Width));
        x = b.Identity("pos_drop", b.Add(b.Concat(0, [classToken, x]), patchPositions));
        var blocks = new Node[config.Depth];
        for (int i = 0; i < blocks.Length; i++)
        {
            using (b.Scope($"blocks.{i}"))
                (pixels, x) = Block(b, config, pixels, x);
            blocks[i] = x;
        }
        Node features = Norm(b, "norm", x);
        Node pooled = b.Identity("head_drop", TokenPool.Pool(b, features, options.GlobalPool, prefixTokens: 1));
        Size2 pretrained = (options.PretrainedSize.H / PatchSize, options.PretrainedSize.W / PatchSize);
        return BackboneGraph.OfBlocks(b, blocks, PatchSize, grid, 1, features, Norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add("patch_pos", ParameterAdapters.PositionEmbedding(1, pretrained, grid)),
        };
    }

    /// <summary>nn.LayerNorm.</summary>
    private static Node Norm(GraphBuilder b, string name, Node x) => b.LayerNorm(name, x);

    /// <summary>The image as pixels <c>[patches, pixels, InnerWidth]</c>: maps of 4×4, one a patch.</summary>
    private static Node PixelEmbed(GraphBuilder b, Config config, Size2 grid, Node positions)
    {
        int patches = grid.H * grid.W, side = PatchSize / Stride, width = config.InnerWidth;
        using (b.Scope("pixel_embed"))
        {
            Node x = b.Input;
            if (config.Legacy)
            {
                x = Unfold(b, b.Conv2d("proj", x, width, 7, Stride, 3, bias: true), grid);
                x = b.Reshape(b.Transpose(x, 0, 1), [patches, width, side, side]);
            }
            else
            {
                x = b.Reshape(b.Transpose(Unfold(b, x, grid), 0, 1), [patches, b.Input.Shape[0], PatchSize, PatchSize]);
                x = b.Leaf("proj", () => ConvOfPatches(b, x, width, grid));
            }
            x = b.Add(x, positions);
            return b.Transpose(b.Reshape(x, [patches, width, side * side]), 1, 2);
        }
    }

    /// <summary>nn.Unfold: a map <c>[C, H, W]</c> as one column of C · h · w numbers for each patch.</summary>
    private static Node Unfold(GraphBuilder b, Node x, Size2 grid) => b.Leaf("unfold", () =>
    {
        (int c, int h, int w) = (x.Shape[0], x.Shape[1] / grid.H, x.Shape[2] / grid.W);
        x = b.Permute(b.Reshape(x, [c, grid.H, h, grid.W, w]), [0, 2, 4, 1, 3]);
        return b.Reshape(x, [c * h * w, grid.H * grid.W]);
    });

    /// <summary>
    /// The 7×7 convolution over each patch <c>[patches, C, 16, 16]</c> for itself, with its own border of 3 zeros. The patches are laid out as one map, each in a
    /// frame of 24×24 pixels that keeps them apart: of the six rows and columns that a frame gives, the first four are the patch's.
    /// </summary>
    private static Node ConvOfPatches(GraphBuilder b, Node x, int width, Size2 grid)
    {
        const int frame = 24, inFrame = frame / Stride, side = PatchSize / Stride;
        int channels = x.Shape[1];
        x = b.Pad2d(b.Reshape(x, [grid.H, grid.W, channels, PatchSize, PatchSize]), new Padding(3, 3, frame - PatchSize - 3, frame - PatchSize - 3));
        x = b.Reshape(b.Permute(x, [2, 0, 3, 1, 4]), [channels, grid.H * frame, grid.W * frame]);
        x = b.Conv2d("", x, width, 7, Stride, new Padding(0, 0, 3, 3), bias: true);
        x = b.Reshape(x, [width, grid.H, inFrame, grid.W, inFrame]);
        x = b.Slice(b.Slice(x, 2, 0, side), 4, 0, side);
        return b.Reshape(b.Permute(x, [1, 3, 0, 2, 4]), [grid.H * grid.W, width, side, side]);
    }

    /// <summary>Attention and perceptron over each patch's pixels, whose result is added to the patches; then the same over the patches.</summary>
    private static (Node Pixels, Node Patches) Block(GraphBuilder b, Config config, Node pixels, Node x)
    {
        int count = x.Shape[0], inner = pixels.Shape[1] * pixels.Shape[2];
        ActLayer act = ActLayers.Torch(UnaryKind.Gelu);
        pixels = b.Add(pixels, b.Identity("drop_path", SelfAttention(b, "attn_in", Norm(b, "norm_in", pixels), config.InnerHeads, config.QkvBias)));
        pixels = b.Add(pixels, b.Identity("drop_path", Mlp.Build(b, "mlp_in", Norm(b, "norm_mlp_in", pixels), 4 * config.InnerWidth, act)));

        Node y = config.Legacy
            ? b.Linear("proj", b.Reshape(Norm(b, "norm1_proj", pixels), [count - 1, inner]), config.Width)
            : Norm(b, "norm2_proj", b.Linear("proj", Norm(b, "norm1_proj", b.Reshape(pixels, [count - 1, inner])), config.Width, bias: false));
        x = b.Concat(0, [b.Slice(x, 0, 0, 1), b.Add(TokenPool.WithoutPrefix(b, x, 1), y)]);
        x = b.Add(x, b.Identity("drop_path", SelfAttention(b, "attn_out", Norm(b, "norm_out", x), config.Heads, config.QkvBias)));
        x = b.Add(x, b.Identity("drop_path", Mlp.Build(b, "mlp", Norm(b, "norm_mlp", x), (int)(config.MlpRatio * config.Width), act)));
        return (pixels, x);
    }

    /// <summary>Self-attention over <c>[…, L, C]</c>, queries and keys from one projection.</summary>
    private static Node SelfAttention(GraphBuilder b, string name, Node x, int heads, bool qkvBias)
    {
        int rank = x.Shape.Rank, length = x.Shape[^2], width = x.Shape[^1], headWidth = Attention.HeadWidth(width, heads);
        int[] outer = [.. x.Shape.Dimensions[..^2]];
        using (b.Scope(name))
        {
            Node qk = b.Reshape(b.Linear("qk", x, 2 * width, qkvBias), [.. outer, length, 2, heads, headWidth]);
            qk = b.Permute(qk, rank == 2 ? [1, 2, 0, 3] : [2, 0, 3, 1, 4]);
            Node v = b.Reshape(b.Linear("v", x, width, qkvBias), [.. outer, length, heads, headWidth]);
            v = b.Permute(v, rank == 2 ? [1, 0, 2] : [0, 2, 1, 3]);
            x = Attention.DotThenScale(b, Attention.Part(b, qk, 0), Attention.Part(b, qk, 1), v);
            x = b.Reshape(b.Transpose(x, -3, -2), [.. outer, length, width]);
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    /// <summary>The authors' files, with the inner and the outer transformer's names.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Drop("^outer_tokens$");
        c.Rename(
            ("outer_pos", "patch_pos"),
            ("inner_pos", "pixel_pos"),
            ("patch_embed", "pixel_embed"),
            ("proj_norm1", "norm1_proj"),
            ("proj_norm2", "norm2_proj"),
            ("inner_norm1", "norm_in"),
            ("inner_attn", "attn_in"),
            ("inner_norm2", "norm_mlp_in"),
            ("inner_mlp", "mlp_in"),
            ("outer_norm1", "norm_out"),
            ("outer_attn", "attn_out"),
            ("outer_norm2", "norm_mlp"),
            ("outer_mlp", "mlp"));
        // The newer models' files have the pixels' positions as tokens [1, L, C].
        if (c.Has("pixel_pos") && c["pixel_pos"].Shape.Rank == 3)
            c["pixel_pos"] = c.Ops.Permute(c["pixel_pos"], [0, 2, 1]);
        c.TakeModelShapes("^pixel_pos$");
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["inner_dim"] = (c, v) => c with { InnerWidth = v.GetInt32() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads_inner"] = (c, v) => c with { InnerHeads = v.GetInt32() },
        ["num_heads_outer"] = (c, v) => c with { Heads = v.GetInt32() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["legacy"] = (c, v) => c with { Legacy = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        GlobalPool = _ => "token",
        ["tnt_s_legacy_patch16_224"] = new(384, 24, 6) { Legacy = true },
        ["tnt_s_patch16_224"] = new(384, 24, 6),
        ["tnt_b_patch16_224"] = new(640, 40, 10),
    };
}
