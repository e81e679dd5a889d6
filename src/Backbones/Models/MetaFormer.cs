using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// MetaFormer: one frame of residual blocks whose tokens are mixed by pooling (PoolFormer), by separable convolution (ConvFormer) or, in later stages, by attention (CAFormer).
/// timm: <c>metaformer.py</c>. Papers: MetaFormer is Actually What You Need for Vision, https://arxiv.org/abs/2111.11418; MetaFormer Baselines for Vision, https://arxiv.org/abs/2210.13452
/// </summary>
internal static class MetaFormer
{
    internal enum Mixer
    {
        Pooling,
        SeparableConv,
        Attention,
    }

    /// <summary>What tells one variant from another; the defaults are those of the second paper.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels)
    {
        /// <summary>How each stage mixes.</summary>
        public ImmutableArray<Mixer> Mixers { get; init; } = [Mixer.Pooling, Mixer.Pooling, Mixer.Pooling, Mixer.Pooling];

        /// <summary>The first PoolFormer: GELU and biases, branches scaled and not shortcuts, no norms where the resolution changes.</summary>
        public bool First { get; init; }

        /// <summary>The norms inside the blocks are over all channels and pixels of a map.</summary>
        public bool GroupNorms { get; init; }

        /// <summary>The classifier has a hidden layer.</summary>
        public bool MlpHead { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // timm's model takes any output_stride and leaves its strides as they are.
        options.RequireOutputStride(8, 16, 32);
        NormLayer? downsampleNorm = config.First ? null : LayerNorm2dNoBias;
        Node x;
        using (b.Scope("stem"))
            x = Norms.OrIdentity(downsampleNorm)(b, "norm", b.Conv2d("conv", b.Input, config.Channels[0], 7, stride: 4, padding: 2, bias: true));
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, x, config.Channels[stage], downsampleNorm);
                x = Stage(b, config, x, stage);
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, config, x, options));
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels, NormLayer? norm)
    {
        using (b.Scope("downsample"))
            return b.Conv2d("conv", Norms.OrIdentity(norm)(b, "norm", x), channels, 3, stride: 2, padding: 1, bias: true);
    }

    private static Node Stage(GraphBuilder b, Config config, Node x, int stage)
    {
        Shape map = x.Shape;
        bool tokens = config.Mixers[stage] == Mixer.Attention;
        if (tokens)
            x = b.Transpose(b.Reshape(x, [map[0], map[1] * map[2]]), 0, 1);
        for (int i = 0; i < config.Depths[stage]; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = Block(b, config, x, config.Mixers[stage], scaledShortcut: !config.First && stage >= 2);
        }
        return tokens ? b.Reshape(b.Transpose(x, 0, 1), map) : x;
    }

    private static Node Block(GraphBuilder b, Config config, Node x, Mixer mixer, bool scaledShortcut)
    {
        bool tokens = mixer == Mixer.Attention;
        int channels = tokens ? x.Shape[1] : x.Shape[0];
        NormLayer norm = tokens ? LayerNormNoBias : config.First ? GroupNorm1 : config.GroupNorms ? GroupNorm1NoBias : LayerNorm2dNoBias;
        x = Residual("1", y =>
        {
            y = norm(b, "norm1", y);
            using (b.Scope("token_mixer"))
                return mixer switch { Mixer.Attention => Attend(b, y), Mixer.SeparableConv => SeparableConv(b, y), _ => b.Subtract(b.AvgPool2d("pool", y, 3, stride: 1, padding: 1, countIncludePad: false), y) };
        });
        return Residual("2", y => Mlp.Build(b, "mlp", norm(b, "norm2", y), 4 * channels, config.First ? ActLayers.Torch(UnaryKind.Gelu) : StarRelu, useConv: !tokens, bias: config.First));

        Node Residual(string number, Func<Node, Node> branch)
        {
            // The order of the keys is not that of the steps.
            b.Declare($"norm{number}", number == "1" ? "token_mixer" : "mlp", $"layer_scale{number}");
            Node shortcut = Scale(b, $"res_scale{number}", x, scaledShortcut, channels);
            Node y = b.Identity($"drop_path{number}", branch(x));
            return b.Add(shortcut, Scale(b, $"layer_scale{number}", y, config.First, channels));
        }
    }

    private static Node Scale(GraphBuilder b, string name, Node x, bool enabled, int channels)
    {
        if (!enabled)
            return b.Identity(name, x);
        using (b.Scope(name))
        {
            Node scale = b.Parameter("scale", [channels]);
            return b.Multiply(x, x.Shape.Rank == 3 ? b.Reshape(scale, [channels, 1, 1], "view") : scale);
        }
    }

    private static Node SeparableConv(GraphBuilder b, Node x)
    {
        int channels = x.Shape[0], hidden = 2 * channels;
        x = StarRelu(b, "act1", b.Conv2d("pwconv1", x, hidden, 1));
        x = b.Identity("act2", b.Conv2d("dwconv", x, hidden, 7, padding: 3, groups: hidden));
        return b.Conv2d("pwconv2", x, channels, 1);
    }

    private static Node Attend(GraphBuilder b, Node x)
    {
        const int headDim = 32;
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int heads = width / headDim;
        Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, bias: false), [length, 3, heads, headDim]), [1, 2, 0, 3]);
        Node q = Attention.Part(b, qkv, 0), k = Attention.Part(b, qkv, 1), v = Attention.Part(b, qkv, 2);
        // The steps can be chosen as features; the result does not need them.
        Node scores = b.Affine(b.MatMul(q, b.Transpose(k, -2, -1)), Attention.Scale(q));
        b.Identity("attn_drop", b.Softmax(scores, -1));
        x = Attention.MergeHeads(b, b.Attention(q, k, v, target: "matmul_1"));
        return b.Identity("proj_drop", b.Linear("proj", x, width, bias: false));
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        string pool = options.GlobalPool;
        Classifier.RequirePool(x, options.NumClasses, pool);
        GlobalPool.RequireChannels(pool, x.Shape[0]);
        using (b.Scope("head"))
        {
            x = Norms.LayerNorm2d()(b, "norm", GlobalPool.Pool(b, "global_pool", x, pool, flatten: false));
            x = pool.Length == 0 ? b.Identity("flatten", x) : b.Module("flatten", new ReshapeOp([x.Shape[0]]), x);
            x = b.Identity("drop", x);
            if (!config.MlpHead || options.NumClasses <= 0)
                return (x, Classifier.Fc(b, "fc", x, options.NumClasses));
            using (b.Scope("fc"))
            {
                Node y = b.Linear("fc1", x, 4 * x.Shape[0]);
                using (b.Scope("act"))
                    y = b.Unary(b.Act("relu", y, UnaryKind.Relu), UnaryKind.Square, "square");
                y = b.Identity("head_drop", Norms.LayerNorm()(b, "norm", y));
                return (x, Classifier.Fc(b, "fc2", y, options.NumClasses));
            }
        }
    }

    /// <summary>s · relu(x)² + b with two learned numbers.</summary>
    private static Node StarRelu(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node scale = b.Parameter("scale", [1]), bias = b.Parameter("bias", [1]);
            Node square = b.Unary(b.Act("relu", x, UnaryKind.Relu), UnaryKind.Square, "pow");
            return b.Add(b.Multiply(scale, square), bias);
        }
    }

    private static Node GroupNorm1(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
            return b.Function("group_norm", new GroupNormOp(1, 1e-5f), x, b.Parameter("weight", [x.Shape[0]]), b.Parameter("bias", [x.Shape[0]]));
    }

    private static Node GroupNorm1NoBias(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
            return b.Function("group_norm", new GroupNormOp(1, 1e-6f), x, b.Parameter("weight", [x.Shape[0]]), Zeros(b, x.Shape[0]));
    }

    private static Node LayerNorm2dNoBias(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]), zeros = Zeros(b, x.Shape[0]);
            b.Function("layer_norm", new LayerNormOp(-1, 1e-6f), b.Permute(x, [1, 2, 0]), weight, zeros);
            return b.Function("permute", new LayerNormOp(0, 1e-6f), x, weight, zeros);
        }
    }

    private static Node LayerNormNoBias(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
            return b.Function("layer_norm", new LayerNormOp(-1, 1e-6f), x, b.Parameter("weight", [x.Shape[1]]), Zeros(b, x.Shape[1]));
    }

    private static Node Zeros(GraphBuilder b, int count) => b.Constant([count], new float[count], "zeros");

    private static Config Pool(ImmutableArray<int> depths, ImmutableArray<int> channels) => new(depths, channels) { First = true, MlpHead = false };

    private static Config PoolV2(ImmutableArray<int> depths, ImmutableArray<int> channels) => new(depths, channels) { GroupNorms = true, MlpHead = false };

    private static Config Conv(ImmutableArray<int> depths, ImmutableArray<int> channels)
        => new(depths, channels) { Mixers = [Mixer.SeparableConv, Mixer.SeparableConv, Mixer.SeparableConv, Mixer.SeparableConv] };

    private static Config ConvAttention(ImmutableArray<int> depths, ImmutableArray<int> channels)
        => new(depths, channels) { Mixers = [Mixer.SeparableConv, Mixer.SeparableConv, Mixer.Attention, Mixer.Attention] };

    /// <summary>The authors' files: PoolFormer's, which count stages and the convolutions between them alike, and those of the second paper, with linear layers.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.RenameMatches((@"layer_scale_(\d+)", "layer_scale$1.scale"), (@"^(?:patch_embed|downsample_layers\.0)\.", "stem."), (@"^downsample_layers\.(\d+)\.", "stages.$1.downsample."));
        c.RenameMatches(@"^network\.(\d+)\.", m =>
        {
            int number = Checkpoint.Number(m.Groups[1]);
            return number % 2 == 0 ? $"stages.{number / 2}." : $"stages.{(number + 1) / 2}.downsample.";
        });
        c.RenameMatches((@"^stages\.(\d+)\.(?=\d)", "stages.$1.blocks."), (@"^((?:stem|stages\.\d+\.downsample)\.)proj\.", "$1conv."), (@"^head\.", "head.fc."), (@"^norm\.", "head.norm."));
        c.Rename(("post_norm", "norm"), ("pre_norm", "norm"));
        c.TakeModelShapes();
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["use_mlp_head"] = (c, v) => c with { MlpHead = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["poolformer_s12"] = Pool([2, 2, 6, 2], [64, 128, 320, 512]),
        ["poolformer_s24"] = Pool([4, 4, 12, 4], [64, 128, 320, 512]),
        ["poolformer_s36"] = Pool([6, 6, 18, 6], [64, 128, 320, 512]),
        ["poolformer_m36"] = Pool([6, 6, 18, 6], [96, 192, 384, 768]),
        ["poolformer_m48"] = Pool([8, 8, 24, 8], [96, 192, 384, 768]),
        ["poolformerv2_s12"] = PoolV2([2, 2, 6, 2], [64, 128, 320, 512]),
        ["poolformerv2_s24"] = PoolV2([4, 4, 12, 4], [64, 128, 320, 512]),
        ["poolformerv2_s36"] = PoolV2([6, 6, 18, 6], [64, 128, 320, 512]),
        ["poolformerv2_m36"] = PoolV2([6, 6, 18, 6], [96, 192, 384, 768]),
        ["poolformerv2_m48"] = PoolV2([8, 8, 24, 8], [96, 192, 384, 768]),
        ["convformer_s18"] = Conv([3, 3, 9, 3], [64, 128, 320, 512]),
        ["convformer_s36"] = Conv([3, 12, 18, 3], [64, 128, 320, 512]),
        ["convformer_m36"] = Conv([3, 12, 18, 3], [96, 192, 384, 576]),
        ["convformer_b36"] = Conv([3, 12, 18, 3], [128, 256, 512, 768]),
        ["caformer_s18"] = ConvAttention([3, 3, 9, 3], [64, 128, 320, 512]),
        ["caformer_s36"] = ConvAttention([3, 12, 18, 3], [64, 128, 320, 512]),
        ["caformer_m36"] = ConvAttention([3, 12, 18, 3], [96, 192, 384, 576]),
        ["caformer_b36"] = ConvAttention([3, 12, 18, 3], [128, 256, 512, 768]),
    };
}
