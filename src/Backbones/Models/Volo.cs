using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// VOLO: on fine tokens, attention weights that each token makes for the tokens around it (outlook attention); on coarse ones common attention; then a class token in two blocks of its own.
/// timm: <c>volo.py</c>. Paper: VOLO: Vision Outlooker for Visual Recognition, https://arxiv.org/abs/2106.13112
/// </summary>
internal static class Volo
{
    private const int PatchSize = 8;

    /// <summary>Side of the window of outlook attention; its stride is 2.</summary>
    private const int Window = 3;

    /// <summary>Blocks in which the class token alone changes.</summary>
    private const int TokenDepth = 2;

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Width, ImmutableArray<int> Heads)
    {
        public double MlpRatio { get; init; } = 3;

        public int StemChannels { get; init; } = 64;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (options.GlobalPool is not ("" or "token" or "avg"))
            throw new GraphException($"VOLO has no pool type '{options.GlobalPool}'. Valid types are '', 'token' and 'avg'.");
        (int height, int width) = (b.Input.Shape[1], b.Input.Shape[2]);
        if (height % (2 * PatchSize) != 0 || width % (2 * PatchSize) != 0)
            throw new GraphException($"An image of {height}×{width} does not fit this model: its sides must be multiples of {2 * PatchSize}.");
        Size2 grid = (height / (2 * PatchSize), width / (2 * PatchSize));
        int channels = config.Width[^1];
        Node positions = b.Reshape(b.Parameter("pos_embed", [1, grid.H, grid.W, channels]), [grid.H, grid.W, channels]);
        Node classToken = b.Reshape(b.Parameter("cls_token", [1, 1, channels]), [1, channels]);

        Node x = b.Permute(Stem(b, config), [1, 2, 0]);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            // The second module is the change of resolution.
            int module = stage == 0 ? 0 : stage + 1;
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"network.{module}.{i}"))
                    x = Block(b, x, config.MlpRatio, y => stage == 0 ? OutlookAttention(b, y, config.Heads[0]) : Attend(b, y, config.Heads[stage]));
            }
            levels.Add(new FeatureLevel(config.Width[stage], stage == 0 ? PatchSize : 2 * PatchSize, $"network.{module}", x));
            if (stage == 0)
                x = b.Identity("pos_drop", b.Add(Downsample(b, x, config.Width[1]), positions));
        }

        x = b.Concat(0, [classToken, b.Reshape(x, [grid.H * grid.W, channels])]);
        for (int i = 0; i < TokenDepth; i++)
        {
            using (b.Scope($"post_network.{i}"))
                x = ClassBlock(b, x, config.Heads[^1], config.MlpRatio);
        }
        b.Declare("aux_head");
        Node features = s_norm(b, "norm", x);
        return BackboneGraph.OfLevels(b, levels, features, Head(b, features, options)) with
        {
            NumFeatures = channels,
            HeadHiddenSize = channels,
            DefaultOutIndices = [-3, -2, -1],
            // The norm is as wide as all stages but the first.
            Intermediates = [.. levels.Select((l, i) => new IntermediateLevel(l.Node, FeatureLayout.Nhwc, Norm: i == 0 ? null : (extended, node) => s_norm(extended, "norm", node)))],
            FeaturesFromIntermediates = true,
        };
    }

    private static Node Stem(GraphBuilder b, Config config)
    {
        Node x = b.Input;
        using (b.Scope("patch_embed"))
        {
            for (int i = 0; i < 3; i++)
            {
                x = i == 0 ? b.Conv2d("conv.0", x, config.StemChannels, 7, stride: 2, padding: 3) : b.Conv2d($"conv.{3 * i}", x, config.StemChannels, 3, padding: 1);
                x = b.Act($"conv.{3 * i + 2}", b.BatchNorm($"conv.{3 * i + 1}", x), UnaryKind.Relu);
            }
            return b.Conv2d("proj", x, config.Width[0], PatchSize / 2, stride: PatchSize / 2, bias: true);
        }
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("network.1"))
            return b.Permute(b.Conv2d("proj", b.Permute(x, [2, 0, 1]), channels, 2, stride: 2, bias: true), [1, 2, 0]);
    }

    /// <summary>Attention and perceptron over a channels-last map <c>[H, W, C]</c> or tokens.</summary>
    private static Node Block(GraphBuilder b, Node x, double mlpRatio, Func<Node, Node> attend)
    {
        x = b.Add(x, b.Identity("drop_path1", attend(s_norm(b, "norm1", x))));
        Node y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(mlpRatio * x.Shape[^1]), ActLayers.Torch(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path2", y));
    }

    private static Node Attend(GraphBuilder b, Node x, int heads)
    {
        (int length, int width, Shape map) = (x.Shape[0] * x.Shape[1], x.Shape[2], x.Shape);
        using (b.Scope("attn"))
        {
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, bias: false), [length, 3, heads, Attention.HeadWidth(width, heads)]), [1, 2, 0, 3]);
            Node q = Attention.Part(b, qkv, 0), k = Attention.Part(b, qkv, 1), v = Attention.Part(b, qkv, 2);
            // FX counts the product of height and width among the names.
            b.Identity("attn_drop", Attention.Maps(b, q, k, "mul_1"));
            x = b.Reshape(Attention.MergeHeads(b, b.Attention(q, k, v, target: "matmul_1")), map);
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    /// <summary>
    /// Every second row's and column's token says how each of the 3×3 values around it is made of all nine; what overlaps is summed: x <c>[H, W, C]</c> → <c>[H, W, C]</c>.
    /// </summary>
    private static Node OutlookAttention(GraphBuilder b, Node x, int heads)
    {
        const int places = Window * Window;
        (int height, int width, int channels) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        (int h, int w, int headWidth) = (height / 2, width / 2, Attention.HeadWidth(channels, heads));
        using (b.Scope("attn"))
        {
            Node v = b.Permute(b.Linear("v", x, channels, bias: false), [2, 0, 1]);
            v = b.Permute(b.Reshape(Unfold(b, v, h, w), [heads, headWidth, places, h * w]), [0, 3, 2, 1]);
            Node maps = b.Permute(b.AvgPool2d("pool", b.Permute(x, [2, 0, 1]), 2), [1, 2, 0]);
            maps = b.Permute(b.Reshape(b.Linear("attn", maps, places * places * heads), [h * w, heads, places, places]), [1, 0, 2, 3]);
            // FX counts products of sizes among the names.
            maps = b.Identity("attn_drop", b.Softmax(b.Affine(maps, 1 / MathF.Sqrt(headWidth), target: "mul_2"), -1));
            x = b.Permute(b.MatMul(maps, v), [0, 3, 2, 1]);
            x = Fold(b, b.Reshape(x, [channels, Window, Window, h, w]));
            return b.Identity("proj_drop", b.Linear("proj", b.Permute(x, [1, 2, 0]), channels));
        }
    }

    /// <summary>torch.nn.Unfold with kernel 3, padding 1 and stride 2 over even sides: x <c>[C, 2h, 2w]</c> → <c>[C, 9, h · w]</c>.</summary>
    private static Node Unfold(GraphBuilder b, Node x, int h, int w) => b.Leaf("unfold", () =>
    {
        // No window reaches the padding at the end.
        Node padded = b.Pad2d(x, new Padding(1, 1, 0, 0));
        var places = new Node[Window * Window];
        for (int i = 0; i < places.Length; i++)
        {
            Node place = b.Slice(b.Slice(padded, 1, i / Window, h, 2), 2, i % Window, w, 2);
            places[i] = b.Reshape(place, [x.Shape[0], 1, h * w]);
        }
        return b.Concat(1, places);
    });

    /// <summary>torch.nn.functional.fold with kernel 3, padding 1 and stride 2, which sums what overlaps: x <c>[C, 3, 3, h, w]</c> → <c>[C, 2h, 2w]</c>.</summary>
    private static Node Fold(GraphBuilder b, Node x) => b.Leaf("fold", () =>
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[3], x.Shape[4]);
        // Even rows are the middle ones of a window, odd rows the last of one and the first of the next; columns likewise.
        Node[] rows = [Columns(Row(1)), Columns(b.Add(Row(2), Next(Row(0), 2)))];
        return b.Reshape(b.Concat(2, [.. rows.Select(r => b.Reshape(r, [channels, h, 1, 2 * w]))]), [channels, 2 * h, 2 * w]);

        Node Row(int i) => b.Reshape(b.Slice(x, 1, i, 1), [channels, Window, h, w]);

        Node Columns(Node row)
        {
            Node Column(int i) => b.Reshape(b.Slice(row, 1, i, 1), [channels, h, w]);
            Node even = Column(1), odd = b.Add(Column(2), Next(Column(0), 2));
            return b.Reshape(b.Concat(3, [b.Reshape(even, [channels, h, w, 1]), b.Reshape(odd, [channels, h, w, 1])]), [channels, h, 2 * w]);
        }

        // The values of the window that follows; nothing behind the last.
        Node Next(Node value, int axis)
        {
            int size = value.Shape[axis];
            Node zeros = b.Affine(b.Slice(value, axis, 0, 1), 0);
            return size == 1 ? zeros : b.Concat(axis, [b.Slice(value, axis, 1, size - 1), zeros]);
        }
    });

    /// <summary>The class token attends to all tokens and passes a perceptron; the others stay as they are.</summary>
    private static Node ClassBlock(GraphBuilder b, Node x, int heads, double mlpRatio)
    {
        Node token = b.Slice(x, 0, 0, 1);
        token = b.Add(token, b.Identity("drop_path1", ClassAttention(b, s_norm(b, "norm1", x), heads)));
        Node y = Mlp.Build(b, "mlp", s_norm(b, "norm2", token), (int)(mlpRatio * x.Shape[1]), ActLayers.Torch(UnaryKind.Gelu));
        token = b.Add(token, b.Identity("drop_path2", y));
        return b.Concat(0, [token, TokenPool.WithoutPrefix(b, x, 1)]);
    }

    /// <summary>x <c>[L, C]</c> → the class token <c>[1, C]</c>. CaiT's has two layers for keys and values.</summary>
    private static Node ClassAttention(GraphBuilder b, Node x, int heads)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int headWidth = Attention.HeadWidth(width, heads);
        using (b.Scope("attn"))
        {
            Node kv = b.Permute(b.Reshape(b.Linear("kv", x, 2 * width, bias: false), [length, 2, heads, headWidth]), [1, 2, 0, 3]);
            Node q = b.Reshape(b.Linear("q", b.Slice(x, 0, 0, 1), width, bias: false), [heads, 1, headWidth]);
            Node token = Attention.MergeHeads(b, Attention.Dot(b, q, Attention.Part(b, kv, 0), Attention.Part(b, kv, 1)));
            return b.Identity("proj_drop", b.Linear("proj", token, width));
        }
    }

    /// <summary>The classifier's result on the class token, and half of what a second one finds most in any patch.</summary>
    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        Node pooled = options.GlobalPool == "avg" ? b.Reduce(x, ReduceKind.Mean, [0]) : TokenPool.Pool(b, x, options.GlobalPool, prefixTokens: 1);
        x = b.Identity("head_drop", x);
        Node logits = Classifier.Fc(b, "head", pooled, options.NumClasses);
        Node patches = Classifier.Fc(b, "aux_head", TokenPool.WithoutPrefix(b, x, 1), options.NumClasses);
        return (pooled, b.Add(logits, b.Affine(b.Reduce(patches, ReduceKind.Max, [0], target: "max"), 0.5f)));
    }

    private static readonly NormLayer s_norm = Norms.TorchLayerNorm(1e-5f);

    private static readonly Config s_d1 = new([4, 4, 8, 2], [192, 384, 384, 384], [6, 12, 12, 12]);
    private static readonly Config s_d2 = new([6, 4, 10, 4], [256, 512, 512, 512], [8, 16, 16, 16]);
    private static readonly Config s_d3 = new([8, 8, 16, 4], [256, 512, 512, 512], [8, 16, 16, 16]);
    private static readonly Config s_d4 = new([8, 8, 16, 4], [384, 768, 768, 768], [12, 16, 16, 16]);
    private static readonly Config s_d5 = new([12, 12, 20, 4], [384, 768, 768, 768], [12, 16, 16, 16]) { MlpRatio = 4, StemChannels = 128 };

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        GlobalPool = _ => "token",
        ["volo_d1_224"] = s_d1,
        ["volo_d1_384"] = s_d1,
        ["volo_d2_224"] = s_d2,
        ["volo_d2_384"] = s_d2,
        ["volo_d3_224"] = s_d3,
        ["volo_d3_448"] = s_d3,
        ["volo_d4_224"] = s_d4,
        ["volo_d4_448"] = s_d4,
        ["volo_d5_224"] = s_d5,
        ["volo_d5_448"] = s_d5,
        ["volo_d5_512"] = s_d5,
    };
}
