using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own MaxViT, with torchvision's module and node names: an inverted bottleneck, attention within windows, attention over grids.
/// torchvision: <c>models/maxvit.py</c>. Paper: MaxViT: Multi-Axis Vision Transformer, https://arxiv.org/abs/2204.01697
/// </summary>
internal static class TorchvisionMaxViT
{
    /// <summary>What tells one variant from another; a window has Partition × Partition pixels, a grid as many.</summary>
    internal sealed record Config(int StemChannels, ImmutableArray<int> Channels, ImmutableArray<int> Layers, int HeadDim, int Partition);

    private static readonly NormLayer s_batchNorm = Norms.BatchNormWith(1e-3f);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        RequireWholeWindows(config, b.Input.Shape);
        Node x = Conv2dNormActivation.Build(b, "stem.0", b.Input, config.StemChannels, 3, s_batchNorm, UnaryKind.Gelu, stride: 2);
        x = Conv2dNormActivation.Build(b, "stem.1", x, config.StemChannels, 3, norm: null, act: null);
        var levels = new List<FeatureLevel> { new(config.StemChannels, 2, "stem", x) };
        for (int block = 0; block < config.Channels.Length; block++)
        {
            for (int i = 0; i < config.Layers[block]; i++)
            {
                using (b.Scope($"blocks.{block}.layers.{i}.layers"))
                {
                    x = MbConv(b, x, config.Channels[block], stride: i == 0 ? 2 : 1);
                    x = PartitionAttention(b, config, "window_attention", x, overGrid: false);
                    x = PartitionAttention(b, config, "grid_attention", x, overGrid: true);
                }
            }
            levels.Add(new FeatureLevel(config.Channels[block], 4 << block, $"blocks.{block}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Head(b, x, options)) with { Intermediates = null };
    }

    /// <summary>torchvision's own condition: windows divide the maps of all blocks.</summary>
    private static void RequireWholeWindows(Config config, Shape image)
    {
        (int h, int w) = ((image[1] + 1) / 2, (image[2] + 1) / 2);
        for (int block = 0; block < config.Channels.Length; block++)
        {
            (h, w) = ((h + 1) / 2, (w + 1) / 2);
            if (h == 0 || w == 0 || h % config.Partition != 0 || w % config.Partition != 0)
            {
                throw new GraphException($"The map {h}×{w} of block {block} of an image of {image[1]}×{image[2]} cannot be cut into windows of {config.Partition}×{config.Partition}; "
                    + $"choose an image size that {config.Partition * 2 << config.Channels.Length} divides.");
            }
        }
    }

    private static Node MbConv(GraphBuilder b, Node x, int channels, int stride)
    {
        using (b.Scope("MBconv"))
        {
            Node shortcut = Shortcut(b, x, channels, stride);
            int inner = 4 * channels;
            using (b.Scope("layers"))
            {
                x = s_batchNorm(b, "pre_norm", x);
                x = Conv2dNormActivation.Build(b, "conv_a", x, inner, 1, s_batchNorm, UnaryKind.Gelu);
                x = Conv2dNormActivation.Build(b, "conv_b", x, inner, 3, s_batchNorm, UnaryKind.Gelu, stride, groups: inner);
                x = SqueezeExcitation.Build(b, "squeeze_excitation", x, channels / 4, UnaryKind.Silu);
                x = b.Conv2d("conv_c", x, channels, 1, bias: true);
            }
            return b.Add(shortcut, b.Identity("stochastic_depth", x));
        }
    }

    private static Node Shortcut(GraphBuilder b, Node x, int channels, int stride)
    {
        if (stride == 1 && x.Shape[0] == channels)
            return b.Identity("proj", x);
        using (b.Scope("proj"))
            return stride == 1 ? b.Conv2d("0", x, channels, 1, bias: true) : b.Conv2d("1", b.AvgPool2d("0", x, 3, stride, 1), channels, 1, bias: true);
    }

    /// <summary>Attention and perceptron over the windows of a map, or over grids of pixels that lie far apart: windows whose places are taken for their tokens.</summary>
    private static Node PartitionAttention(GraphBuilder b, Config config, string name, Node x, bool overGrid)
    {
        (int channels, int height, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Size2 part = overGrid ? (height / config.Partition, width / config.Partition) : config.Partition;
        using (b.Scope(name))
        {
            x = Swap(b, "partition_swap", Partition(b, x, part), overGrid);
            Node y;
            using (b.Scope("attn_layer"))
                y = b.Identity("2", SelfAttention(b, config, b.LayerNorm("0", x)));
            x = b.Add(x, b.Identity("stochastic_dropout", y));
            using (b.Scope("mlp_layer"))
                y = b.Identity("4", b.Linear("3", b.Act("2", b.Linear("1", b.LayerNorm("0", x), 4 * channels), UnaryKind.Gelu), channels));
            x = b.Add(x, b.Identity("stochastic_dropout", y));
            return Departition(b, Swap(b, "departition_swap", x, overGrid), part, (height, width));
        }
    }

    private static Node Partition(GraphBuilder b, Node x, Size2 part)
    {
        (int channels, int rows, int columns) = (x.Shape[0], x.Shape[1] / part.H, x.Shape[2] / part.W);
        using (b.Scope("partition_op"))
        {
            b.WithoutTensor("getattr", "getitem", "getitem", "getitem", "getitem", "floordiv", "floordiv");
            x = b.Permute(b.Reshape(x, [channels, rows, part.H, columns, part.W]), [1, 3, 2, 4, 0]);
            b.WithoutTensor("floordiv", "floordiv", "mul");
            return b.Reshape(x, [rows * columns, part.H * part.W, channels]);
        }
    }

    private static Node Departition(GraphBuilder b, Node x, Size2 part, Size2 map)
    {
        int channels = x.Shape[2];
        using (b.Scope("departition_op"))
        {
            b.WithoutTensor("getattr", "getitem", "getitem", "getitem", "getitem");
            x = b.Permute(b.Reshape(x, [map.H / part.H, map.W / part.W, part.H, part.W, channels]), [4, 0, 2, 1, 3]);
            return b.Reshape(x, [channels, map.H, map.W]);
        }
    }

    private static Node Swap(GraphBuilder b, string name, Node x, bool swaps)
    {
        if (!swaps)
            return b.Identity(name, x);
        using (b.Scope(name))
            return b.Transpose(x, 0, 1, "swapaxes");
    }

    /// <summary>Attention among the tokens of each part <c>[parts, L, C]</c>. The steps of the plain way are nodes too; the result does not need them.</summary>
    private static Node SelfAttention(GraphBuilder b, Config config, Node x)
    {
        (int parts, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int heads = width / config.HeadDim;
        float scale = 1 / MathF.Sqrt(width);
        using (b.Scope("1"))
        {
            Node table = b.Parameter("relative_position_bias_table", [RelPosBias.Distances(config.Partition), heads]);
            b.Unused("relative_position_index", [length, length], ElementType.Int64);
            b.WithoutTensor("getattr", "getitem", "getitem", "getitem", "getitem");
            Node qkv = b.Linear("to_qkv", x, 3 * width);
            b.WithoutTensor("chunk");
            Node[] chunks = [.. Enumerable.Range(0, 3).Select(i => b.Slice(qkv, 2, i * width, width))];
            Node[] split = [.. chunks.Select(part => b.Permute(b.Reshape(part, [parts, length, heads, config.HeadDim]), [0, 2, 1, 3]))];
            (Node q, Node k, Node v) = (split[0], split[1], split[2]);
            Node scores = b.MatMul(q, b.Affine(k, scale), transposeB: true, target: "einsum");
            Node bias = Positions(b, table, config.Partition);
            b.Softmax(b.Add(scores, bias), -1);
            Node y = b.Attention(q, k, v, scale, bias, "einsum_1");
            return b.Linear("merge", b.Reshape(b.Permute(y, [0, 2, 1, 3]), x.Shape), width);
        }
    }

    /// <summary>What is added to the scores: <c>[1, heads, L, L]</c>.</summary>
    private static Node Positions(GraphBuilder b, Node table, Size2 window)
    {
        int length = window.H * window.W, heads = table.Shape[1];
        b.ListedRead(table);
        Node bias = b.Listed("getitem", b.Gather(table, 0, RelPosBias.Index(window)));
        bias = b.Listed("view", b.Reshape(bias, [length, length, heads]));
        bias = b.Listed("contiguous", b.Listed("permute", b.Permute(bias, [2, 0, 1])));
        return b.Listed("unsqueeze", b.Reshape(bias, [1, heads, length, length]));
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        TorchvisionHead.RequirePool(x, options);
        if (options.GlobalPool.Length == 0)
            return (x, x);
        using (b.Scope("classifier"))
        {
            int width = x.Shape[0];
            x = b.Module("1", new ReshapeOp([width]), TorchvisionHead.Mean(b, "0", x));
            x = b.Act("4", b.Linear("3", b.LayerNorm("2", x), width), UnaryKind.Tanh);
            return (x, options.NumClasses > 0 ? b.Linear("5", x, options.NumClasses, bias: false) : b.Identity("5", x));
        }
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/maxvit_t"] = new(64, [64, 128, 256, 512], [2, 2, 5, 2], 32, 7),
    };
}
