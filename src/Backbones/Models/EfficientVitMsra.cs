using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EfficientViT (MSRA): depthwise convolutions and perceptrons around attention whose heads each get a part of the channels and what the head before made of its own.
/// timm: <c>efficientvit_msra.py</c>. Paper: EfficientViT: Memory Efficient Vision Transformer with Cascaded Group Attention, https://arxiv.org/abs/2305.07027
/// </summary>
internal static class EfficientVitMsra
{
    /// <summary>What tells one variant from another.</summary>
    /// <param name="Channels">Channels of each stage.</param>
    /// <param name="Depths">Blocks of each stage.</param>
    /// <param name="Heads">Heads of each stage.</param>
    /// <param name="Kernels">Kernel of each head's convolution over the queries.</param>
    internal sealed record Config(ImmutableArray<int> Channels, ImmutableArray<int> Depths, ImmutableArray<int> Heads, ImmutableArray<int> Kernels)
    {
        /// <summary>Length of each stage's queries and keys.</summary>
        public ImmutableArray<int> KeyDims { get; init; } = [16, 16, 16];

        /// <summary>Side of each stage's windows.</summary>
        public ImmutableArray<int> Windows { get; init; } = [7, 7, 7];
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        (int height, int width) = (b.Input.Shape[1], b.Input.Shape[2]);
        if (height != width || height % 16 != 0)
            throw new GraphException($"An image of {height}×{width} does not fit this model: it takes squares whose side is a multiple of 16.");
        if (config.Kernels.Length < config.Heads.Max())
            throw new GraphException($"There are {config.Heads.Max()} heads but only {config.Kernels.Length} kernels; each head needs one.");
        Node x = Stem(b, config.Channels[0]);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Channels.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, x, config.Channels[stage]);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                    {
                        x = ConvPerceptron(b, x, "dw0", "ffn0");
                        x = Residual(b, "mixer", x, y => WindowAttention(b, config, y, stage));
                        x = ConvPerceptron(b, x, "dw1", "ffn1");
                    }
                }
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 16 << stage, $"stages.{stage}", x));
        }
        GlobalPool.Require(options.GlobalPool, "avg", "");
        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
        Node pooled = options.GlobalPool.Length == 0 ? b.Identity("global_pool", x) : GlobalPool.Pool(b, "global_pool", x, "avg", flatten: true);
        return BackboneGraph.OfLevels(b, levels, x, (pooled, NormLinear.Build(b, "head", pooled, options.NumClasses)));
    }

    private static Node Stem(GraphBuilder b, int channels)
    {
        Node x = b.Input;
        using (b.Scope("patch_embed"))
        {
            for (int i = 1; i <= 4; i++)
            {
                x = ConvNorm(b, $"conv{i}", x, channels >> (4 - i), 3, stride: 2);
                if (i < 4)
                    x = b.Act($"relu{i}", x, UnaryKind.Relu);
            }
        }
        return x;
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("downsample"))
        {
            x = ConvPerceptron(b, x, "res1.0", "res1.1");
            using (b.Scope("patchmerge"))
            {
                int hidden = 4 * x.Shape[0];
                x = b.Act("act", ConvNorm(b, "conv1", x, hidden), UnaryKind.Relu);
                x = b.Act("act", ConvNorm(b, "conv2", x, hidden, 3, stride: 2, groups: hidden), UnaryKind.Relu);
                x = ConvNorm(b, "conv3", ChannelAttention.SqueezeExcite(b, "se", x, 0.25f), channels);
            }
            return ConvPerceptron(b, x, "res2.0", "res2.1");
        }
    }

    /// <summary>A depthwise convolution and a perceptron, each added to its input.</summary>
    private static Node ConvPerceptron(GraphBuilder b, Node x, string conv, string perceptron)
    {
        int channels = x.Shape[0];
        x = Residual(b, conv, x, y => ConvNorm(b, "", y, channels, 3, groups: channels));
        return Residual(b, perceptron, x, y => ConvNorm(b, "pw2", b.Act("act", ConvNorm(b, "pw1", y, 2 * channels), UnaryKind.Relu), channels));
    }

    private static Node Residual(GraphBuilder b, string name, Node x, Func<Node, Node> layer)
    {
        using (b.Scope(name))
        {
            Node y;
            using (b.Scope("m"))
                y = layer(x);
            return b.Add(x, y);
        }
    }

    /// <summary>
    /// Attention inside windows, where the map is larger than one. The windows lie one below another then, in a map of a window's width: what timm permutes needs no other place.
    /// </summary>
    private static Node WindowAttention(GraphBuilder b, Config config, Node x, int stage)
    {
        (int channels, int size, int window) = (x.Shape[0], x.Shape[1], config.Windows[stage]);
        if (size <= window)
        {
            using (b.Scope("attn"))
                return CascadedGroupAttention(b, config, x, stage, size);
        }
        int count = (size + window - 1) / window, padded = count * window;
        x = b.Identity("permute", x);
        x = padded == size ? b.Identity("pad", x) : b.Pad2d(x, new Padding(0, 0, padded - size, padded - size));
        x = b.Transpose(b.Reshape(x, [channels, count, window, count, window]), 2, 3);
        x = b.Identity("permute", b.Reshape(x, [channels, count * padded, window]));
        using (b.Scope("attn"))
            x = CascadedGroupAttention(b, config, x, stage, window);
        x = b.Identity("permute", x);
        x = b.Transpose(b.Reshape(x, [channels, count, count, window, window]), 2, 3);
        x = b.Reshape(x, [channels, padded, padded]);
        return b.Identity("permute", b.Slice(b.Slice(x, 1, 0, size), 2, 0, size));
    }

    /// <summary>x <c>[C, windows · size, size]</c> → the same shape.</summary>
    private static Node CascadedGroupAttention(GraphBuilder b, Config config, Node x, int stage, int size)
    {
        (int heads, int keyDim) = (config.Heads[stage], config.KeyDims[stage]);
        int part = x.Shape[0] / heads, windows = x.Shape[1] / size, length = size * size;
        Node biases = AttentionBiases.Build(b, heads, size);
        // The keys come in the order of timm's two lists of modules.
        b.Declare([.. Enumerable.Range(0, heads).Select(i => $"qkvs.{i}")]);
        var results = new Node[heads];
        for (int i = 0; i < heads; i++)
        {
            Node feat = b.Slice(x, 0, i * part, part);
            feat = i == 0 ? feat : b.Add(results[i - 1], feat);
            feat = ConvNorm(b, $"qkvs.{i}", feat, 2 * keyDim + part);
            Node q = Tokens(WindowConvNorm(b, $"dws.{i}", b.Slice(feat, 0, 0, keyDim), config.Kernels[i], size));
            Node k = Tokens(b.Slice(feat, 0, keyDim, keyDim)), v = Tokens(b.Slice(feat, 0, 2 * keyDim, part));

            Node scores = b.MatMul(b.Transpose(b.Affine(q, 1 / MathF.Sqrt(keyDim)), 1, 2), k), bias = b.Slice(biases, 0, i, 1);
            b.Transpose(b.Softmax(b.Add(scores, bias), -1), 1, 2);
            Node attended = b.Leaf("matmul", () => b.Permute(b.Attention(b.Transpose(q, 1, 2), b.Transpose(k, 1, 2), b.Transpose(v, 1, 2), mask: bias), [2, 0, 1]));
            results[i] = b.Reshape(attended, [part, windows * size, size]);
        }
        x = b.Concat(0, results);
        using (b.Scope("proj"))
            return ConvNorm(b, "1", b.Act("0", x, UnaryKind.Relu), heads * part);

        Node Tokens(Node map) => b.Permute(b.Reshape(map, [map.Shape[0], windows, length]), [1, 0, 2], "flatten");
    }

    /// <summary>A depthwise convolution that does not look beyond a window: between two that lie one below another come as many empty rows as the kernel reaches.</summary>
    private static Node WindowConvNorm(GraphBuilder b, string name, Node x, int kernel, int size)
    {
        (int channels, int windows, int reach) = (x.Shape[0], x.Shape[1] / size, kernel / 2);
        if (windows == 1)
            return ConvNorm(b, name, x, channels, kernel, groups: channels);
        x = b.Pad2d(b.Reshape(x, [channels, windows, size, size]), new Padding(0, 0, reach, 0), target: "#apart");
        x = ConvNorm(b, name, b.Reshape(x, [channels, windows * (size + reach), size]), channels, kernel, groups: channels);
        return b.Reshape(b.Slice(b.Reshape(x, [channels, windows, size + reach, size]), 2, 0, size), [channels, windows * size, size]);
    }

    private static Node ConvNorm(GraphBuilder b, string name, Node x, int channels, int kernel = 1, int stride = 1, int groups = 1)
    {
        using (b.Scope(name))
            return b.BatchNorm("bn", b.Conv2d("conv", x, channels, kernel, stride, kernel / 2, groups: groups));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["key_dim"] = (c, v) => c with { KeyDims = v.PerStage(c.KeyDims.Length) },
        ["depth"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["window_size"] = (c, v) => c with { Windows = v.PerStage(c.Windows.Length) },
        ["kernels"] = (c, v) => c with { Kernels = v.OddKernels() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["efficientvit_m0"] = new([64, 128, 192], [1, 2, 3], [4, 4, 4], [5, 5, 5, 5]),
        ["efficientvit_m1"] = new([128, 144, 192], [1, 2, 3], [2, 3, 3], [7, 5, 3, 3]),
        ["efficientvit_m2"] = new([128, 192, 224], [1, 2, 3], [4, 3, 2], [7, 5, 3, 3]),
        ["efficientvit_m3"] = new([128, 240, 320], [1, 2, 3], [4, 3, 4], [5, 5, 5, 5]),
        ["efficientvit_m4"] = new([128, 256, 384], [1, 2, 3], [4, 4, 4], [7, 5, 3, 3]),
        ["efficientvit_m5"] = new([192, 288, 384], [1, 3, 4], [3, 3, 4], [7, 5, 3, 3]),
    };
}
