using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// LeViT: a convolutional stem and attention whose tokens get fewer from stage to stage, with learned biases by distance.
/// timm: <c>levit.py</c>. Paper: LeViT, https://arxiv.org/abs/2104.01136
/// </summary>
internal static class Levit
{
    /// <summary>What tells one variant from another.</summary>
    /// <param name="Width">Width of each stage.</param>
    /// <param name="Depths">Blocks of each stage.</param>
    /// <param name="Heads">Heads of each stage.</param>
    /// <param name="KeyDim">Length of a query and a key.</param>
    internal sealed record Config(ImmutableArray<int> Width, ImmutableArray<int> Depths, ImmutableArray<int> Heads, int KeyDim)
    {
        /// <summary>Length of a value, relative to a key's, but where the resolution changes.</summary>
        public double AttentionRatio { get; init; } = 2;

        /// <summary>Width of the blocks' perceptrons, relative to the block's.</summary>
        public double MlpRatio { get; init; } = 2;

        /// <summary>Maps and 1×1 convolutions in place of tokens and linear layers.</summary>
        public bool Conv { get; init; }

        /// <summary>A second classifier that learned from a teacher.</summary>
        public bool Distilled { get; init; } = true;

        public UnaryKind Act { get; init; } = UnaryKind.HardSwish;

        /// <summary>Pixels of the image per token of the first stage, in each direction.</summary>
        public int StemStride { get; init; } = 16;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        (int height, int width) = (b.Input.Shape[1], b.Input.Shape[2]);
        if (height % config.StemStride != 0 || width % config.StemStride != 0)
            throw new GraphException($"An image of {height}×{width} does not fit this model: its sides must be multiples of {config.StemStride}.");
        Node x = Stem(b, config);
        Size2 grid = (x.Shape[1], x.Shape[2]);
        if (!config.Conv)
            x = b.Transpose(b.Flatten(x, 1), 0, 1);
        var levels = new List<FeatureLevel>();
        var intermediates = new List<IntermediateLevel>();
        for (int stage = 0; stage < config.Width.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                if (stage == 0)
                {
                    x = b.Identity("downsample", x);
                }
                else
                {
                    x = Downsample(b, config, x, grid, config.Width[stage]);
                    grid = ((grid.H + 1) / 2, (grid.W + 1) / 2);
                }
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                    {
                        x = b.Add(x, b.Identity("drop_path1", Attend(b, config, x, grid, config.Heads[stage])));
                        x = b.Add(x, b.Identity("drop_path2", Perceptron(b, config, x, config.MlpRatio)));
                    }
                }
            }
            levels.Add(new FeatureLevel(config.Width[stage], config.StemStride << stage, $"stages.{stage}", x));
            intermediates.Add(new IntermediateLevel(x, config.Conv ? FeatureLayout.Nchw : FeatureLayout.Nlc, grid));
        }
        Node pooled = MeanPool.Build(b, x, options.GlobalPool, config.Conv ? [1, 2] : [0]);
        if (config.Conv)
            Classifier.RequirePool(pooled, options.NumClasses, options.GlobalPool);
        Node logits = config.Distilled ? DistilledHead.Build(b, Head) : Head("head");
        return BackboneGraph.OfLevels(b, levels, x, (pooled, logits)) with
        {
            NumFeatures = config.Width[^1],
            HeadHiddenSize = config.Width[^1],
            Intermediates = [.. intermediates],
            FeaturesFromIntermediates = !config.Conv,
        };

        Node Head(string name) => NormLinear.Build(b, name, pooled, options.NumClasses);
    }

    private static Node Stem(GraphBuilder b, Config config)
    {
        Node x = b.Input;
        int convs = int.Log2(config.StemStride);
        using (b.Scope("stem"))
        {
            for (int i = 1; i <= convs; i++)
            {
                using (b.Scope($"conv{i}"))
                    x = b.BatchNorm("bn", b.Conv2d("linear", x, config.Width[0] >> (convs - i), 3, stride: 2, padding: 1));
                if (i < convs)
                    x = ActLayers.Timm(config.Act)(b, $"act{i}", x);
            }
        }
        return x;
    }

    private static Node Downsample(GraphBuilder b, Config config, Node x, Size2 grid, int width)
    {
        using (b.Scope("downsample"))
        {
            x = AttentionDownsample(b, config, x, grid, width);
            return b.Add(x, b.Identity("drop_path", Perceptron(b, config, x, 2)));
        }
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, Size2 grid, int heads)
    {
        (int width, int keyDim, int valueDim) = (Width(config, x), config.KeyDim, (int)(config.AttentionRatio * config.KeyDim));
        using (b.Scope("attn"))
        {
            Node biases = AttentionBiases.Build(b, heads, grid);
            Node qkv = SplitHeads(b, config, LinearNorm(b, config, "qkv", x, heads * (2 * keyDim + valueDim)), heads);
            Node q = Part(b, config, qkv, 0, keyDim), k = Part(b, config, qkv, keyDim, keyDim), v = Part(b, config, qkv, 2 * keyDim, valueDim);
            return Project(b, config, Attend(b, config, q, k, v, biases, grid, "add"), width);
        }
    }

    /// <summary>Attention of every second row's and column's tokens to all tokens.</summary>
    private static Node AttentionDownsample(GraphBuilder b, Config config, Node x, Size2 grid, int width)
    {
        (int inWidth, int keyDim, int valueDim) = (Width(config, x), config.KeyDim, 4 * config.KeyDim);
        int heads = inWidth / keyDim;
        Size2 small = ((grid.H + 1) / 2, (grid.W + 1) / 2);
        using (b.Scope("attn_downsample"))
        {
            Node biases = AttentionBiases.Build(b, heads, grid, stride: 2);
            Node kv = SplitHeads(b, config, LinearNorm(b, config, "kv", x, heads * (keyDim + valueDim)), heads);
            Node k = Part(b, config, kv, 0, keyDim), v = Part(b, config, kv, keyDim, valueDim), q;
            using (b.Scope("q"))
            {
                q = config.Conv
                    ? b.AvgPool2d("down", x, 1, 2, countIncludePad: false)
                    : b.Reshape(b.Slice(b.Slice(b.Reshape(x, [grid.H, grid.W, inWidth]), 0, 0, small.H, 2), 1, 0, small.W, 2), [small.H * small.W, inWidth]);
                q = LinearNorm(b, config, "ln", q, heads * keyDim);
            }
            q = Part(b, config, SplitHeads(b, config, q, heads), 0, keyDim);
            // FX counts two additions in the smaller map's size among the names.
            return Project(b, config, Attend(b, config, q, k, v, biases, small, config.Conv ? "add_2" : "add"), width);
        }
    }

    /// <summary>q, k, v <c>[heads, L, d]</c> → tokens <c>[L, C]</c> or a map <c>[C, H, W]</c>.</summary>
    private static Node Attend(GraphBuilder b, Config config, Node q, Node k, Node v, Node biases, Size2 grid, string biasTarget)
    {
        if (!config.Conv)
            return Attention.MergeHeads(b, AttentionBiases.Attend(b, q, k, v, biases));
        // timm has a map's pixels last; the steps can be chosen as features, the result does not need them.
        Node scores = b.Affine(b.MatMul(b.Identity("transpose", q), k, transposeB: true), Attention.Scale(q), target: "mul_1");
        b.Transpose(b.Softmax(b.Add(scores, biases, biasTarget), -1), 1, 2);
        Node attended = b.Leaf("matmul", () => b.Transpose(b.Attention(q, k, v, mask: biases), 1, 2));
        return b.Reshape(attended, [v.Shape[0] * v.Shape[2], grid.H, grid.W]);
    }

    private static Node Project(GraphBuilder b, Config config, Node x, int width)
    {
        using (b.Scope("proj"))
            return LinearNorm(b, config, "ln", ActLayers.Timm(config.Act)(b, "act", x), width);
    }

    private static Node Perceptron(GraphBuilder b, Config config, Node x, double ratio)
    {
        int width = Width(config, x);
        using (b.Scope("mlp"))
        {
            Node y = ActLayers.Timm(config.Act)(b, "act", LinearNorm(b, config, "ln1", x, (int)(ratio * width)));
            return LinearNorm(b, config, "ln2", b.Identity("drop", y), width);
        }
    }

    private static int Width(Config config, Node x) => config.Conv ? x.Shape[0] : x.Shape[1];

    private static Node SplitHeads(GraphBuilder b, Config config, Node x, int heads)
    {
        int width = Width(config, x);
        return config.Conv ? b.Reshape(x, [heads, width / heads, x.Shape[1] * x.Shape[2]], "view") : b.Reshape(x, [x.Shape[0], heads, width / heads], "view");
    }

    /// <summary>Elements of each head as <c>[heads, L, d]</c>.</summary>
    private static Node Part(GraphBuilder b, Config config, Node x, int start, int length)
        => config.Conv ? b.Transpose(b.Slice(x, 1, start, length), 1, 2, "#rows") : b.Permute(b.Slice(x, 2, start, length), [1, 0, 2]);

    /// <summary>A linear layer or 1×1 convolution with batch norm.</summary>
    private static Node LinearNorm(GraphBuilder b, Config config, string name, Node x, int width)
    {
        using (b.Scope(name))
        {
            if (config.Conv)
                return b.BatchNorm("bn", b.Conv2d("linear", x, width, 1));
            // timm joins tokens and batch for the norm, which makes no difference to one item.
            return b.Identity("reshape_as", b.BatchNorm("bn", b.Identity("flatten", b.Linear("linear", x, width, bias: false)), axis: -1));
        }
    }

    private static readonly Config s_128s = new([128, 256, 384], [2, 3, 4], [4, 6, 8], 16);
    private static readonly Config s_128 = new([128, 256, 384], [4, 4, 4], [4, 8, 12], 16);
    private static readonly Config s_192 = new([192, 288, 384], [4, 4, 4], [3, 5, 6], 32);
    private static readonly Config s_256 = new([256, 384, 512], [4, 4, 4], [4, 6, 8], 32);
    private static readonly Config s_384 = new([384, 512, 768], [4, 4, 4], [6, 9, 12], 32);
    private static readonly Config s_384S8 = s_384 with { Act = UnaryKind.Silu, StemStride = 8 };
    private static readonly Config s_512S8 = new([512, 640, 896], [4, 4, 4], [8, 10, 14], 64) { Act = UnaryKind.Silu, StemStride = 8, Distilled = false };
    private static readonly Config s_512 = new([512, 768, 1024], [4, 4, 4], [8, 12, 16], 64) { Act = UnaryKind.Silu, Distilled = false };
    private static readonly Config s_256D = new([256, 384, 512], [4, 8, 6], [4, 6, 8], 32) { Act = UnaryKind.Silu, Distilled = false };
    private static readonly Config s_512D = new([512, 640, 768], [4, 8, 6], [8, 10, 12], 64) { Act = UnaryKind.Silu, Distilled = false };

    /// <summary>The authors' files, which have tables that are computed here.</summary>
    private static void Remap(Checkpoint c, Config config) => c.Drop("attention_bias_idxs");

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.PerStage(c.Width.Length) },
        ["key_dim"] = (c, v) => c with { KeyDim = v.Number() },
        ["depth"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.ForStages(c.Heads.Length) },
        ["attn_ratio"] = (c, v) => c with { AttentionRatio = v.GetDouble() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["stem_type"] = (c, v) => c with { StemStride = v.OneOf(("s16", 16), ("s8", 8)) },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
        ["use_conv"] = (c, v) => c with { Conv = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["levit_128s"] = s_128s,
        ["levit_128"] = s_128,
        ["levit_192"] = s_192,
        ["levit_256"] = s_256,
        ["levit_384"] = s_384,
        ["levit_384_s8"] = s_384S8,
        ["levit_512_s8"] = s_512S8,
        ["levit_512"] = s_512,
        ["levit_256d"] = s_256D,
        ["levit_512d"] = s_512D,
        ["levit_conv_128s"] = s_128s with { Conv = true },
        ["levit_conv_128"] = s_128 with { Conv = true },
        ["levit_conv_192"] = s_192 with { Conv = true },
        ["levit_conv_256"] = s_256 with { Conv = true },
        ["levit_conv_384"] = s_384 with { Conv = true },
        ["levit_conv_384_s8"] = s_384S8 with { Conv = true },
        ["levit_conv_512_s8"] = s_512S8 with { Conv = true },
        ["levit_conv_512"] = s_512 with { Conv = true },
        ["levit_conv_256d"] = s_256D with { Conv = true },
        ["levit_conv_512d"] = s_512D with { Conv = true },
    };
}
