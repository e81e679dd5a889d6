using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The blocks: maps <c>[C, H, W]</c> → <c>[channels, H/stride, W/stride]</c>.</content>
internal static partial class MaxxViT
{
    private static Node BuildBlock(GraphBuilder b, Context context, Block kind, Node x, int channels, int stride)
    {
        switch (kind)
        {
            case Block.Conv:
                return ConvBlock(b, context.Config.Conv, x, channels, stride);
            case Block.Transformer:
                return TransformerBlock(b, context, x, channels, stride);
            case Block.MaxVit:
                using (b.Scope("conv"))
                    x = ConvBlock(b, context.Config.Conv, x, channels, stride);
                x = b.Permute(x, [1, 2, 0]);
                if (!context.Config.Transformer.NoBlockAttention)
                    x = PartitionAttention(b, context, "attn_block", x, y => WindowAttention(b, context, "attn", y, channels));
                x = PartitionAttention(b, context, "attn_grid", x, y => GridAttention(b, context, "attn", y, channels));
                return b.Permute(x, [2, 0, 1]);
            default:
                using (b.Scope("conv.0"))
                    x = ConvBlock(b, context.Config.Conv, x, channels, stride);
                using (b.Scope("conv.1"))
                    x = ConvBlock(b, context.Config.Conv, x, channels, stride: 1);
                x = PartitionAttention(b, context, "attn", b.Permute(x, [1, 2, 0]), y =>
                {
                    Node windows = WindowAttention(b, context, "attn_block", y, channels / 2), grids = GridAttention(b, context, "attn_grid", y, channels / 2);
                    return b.Concat(2, [windows, grids]);
                });
                return b.Permute(x, [2, 0, 1]);
        }
    }

    private static Node ConvBlock(GraphBuilder b, ConvConfig conv, Node x, int channels, int stride)
        => conv.ConvNeXt ? ConvNeXtBlock(b, conv, x, channels, stride) : MBConv(b, conv, x, channels, stride);

    /// <summary>An inverted bottleneck with norms before the convolutions.</summary>
    private static Node MBConv(GraphBuilder b, ConvConfig conv, Node x, int channels, int stride)
    {
        int inner = ChannelAttention.MakeDivisible(4 * (conv.ExpandOutput ? channels : x.Shape[0]));
        int reduced = (int)(conv.AttentionRatio * (conv.ExpandOutput ? channels : inner));
        Node shortcut = stride > 1 ? Downsample(b, "shortcut", x, channels, conv.MaxPool, conv.Pad, conv.OutputBias) : b.Identity("shortcut", x);
        x = conv.Norm(b, "pre_norm", x, conv.PreNormAct ? conv.Act : null);
        bool pools = stride > 1 && conv.StrideByPool;
        x = pools ? Downsample(b, "down", x, x.Shape[0], maxPool: false, conv.Pad) : b.Identity("down", x);
        x = conv.Norm(b, "norm1", b.Conv2d("conv1_1x1", x, inner, 1), conv.Act);
        x = Conv2dPadding.Conv2d(b, "conv2_kxk", x, inner, 3, conv.Pad, pools ? 1 : stride, groups: inner);
        if (conv.AttentionEarly)
            x = ChannelAttention.SqueezeExcite(b, "se_early", x, reducedChannels: reduced, act: conv.AttentionAct);
        x = conv.Norm(b, "norm2", x, conv.Act);
        if (!conv.AttentionEarly)
            x = ChannelAttention.SqueezeExcite(b, "se", x, reducedChannels: reduced, act: conv.AttentionAct);
        x = b.Conv2d("conv3_1x1", x, channels, 1, bias: conv.OutputBias);
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    private static Node ConvNeXtBlock(GraphBuilder b, ConvConfig conv, Node x, int channels, int stride)
    {
        Node shortcut = stride > 1 ? Downsample(b, "shortcut", x, channels, maxPool: false) : b.Identity("shortcut", x);
        x = b.Identity("down", x);
        x = b.Conv2d("conv_dw", x, channels, 7, stride, 3, groups: x.Shape[0], bias: true);
        x = ConvMlp.Build(b, "mlp", Norms.LayerNorm2d(conv.NormEps)(b, "norm", x), 4 * channels, ActLayers.Timm(conv.Act));
        x = LayerScale.Build2d(b, "ls", x, conv.LayerScale);
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    /// <summary>timm's Downsample2d: a pooling, and a 1×1 convolution where the width changes.</summary>
    private static Node Downsample(GraphBuilder b, string name, Node x, int channels, bool maxPool, PadType pad = PadType.Symmetric, bool bias = true)
    {
        using (b.Scope(name))
        {
            x = maxPool
                ? b.MaxPool2d("pool", x, 3, 2, Conv2dPadding.Of(pad, x.Shape, 3, 2))
                : b.AvgPool2d("pool", x, 2, 2, pad == PadType.Same ? Conv2dPadding.Of(pad, x.Shape, 2, 2) : 0);
            return x.Shape[0] == channels ? b.Identity("expand", x) : b.Conv2d("expand", x, channels, 1, bias: bias);
        }
    }

    /// <summary>Attention over the whole map and a perceptron.</summary>
    private static Node TransformerBlock(GraphBuilder b, Context context, Node x, int channels, int stride)
    {
        TransformerConfig config = context.Config.Transformer;
        Node shortcut, normed;
        if (stride > 1)
        {
            shortcut = Downsample(b, "shortcut", x, channels, config.MaxPool, bias: config.ShortcutBias);
            using (b.Scope("norm1"))
                normed = Downsample(b, "down", config.MapNorm(b, "norm", x), x.Shape[0], config.MaxPool);
        }
        else
        {
            (shortcut, normed) = (b.Identity("shortcut", x), config.MapNorm(b, "norm1", x));
        }
        Node y = LayerScale.Build2d(b, "ls1", Attention2d(b, context, "attn", normed, channels), config.LayerScale);
        x = b.Add(shortcut, b.Identity("drop_path1", y));
        y = ConvMlp.Build(b, "mlp", config.MapNorm(b, "norm2", x), 4 * channels, ActLayers.Timm(config.Act));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build2d(b, "ls2", y, config.LayerScale)));
    }

    /// <summary>Attention and a perceptron over a map <c>[H, W, C]</c>.</summary>
    private static Node PartitionAttention(GraphBuilder b, Context context, string name, Node x, Func<Node, Node> attention)
    {
        TransformerConfig config = context.Config.Transformer;
        using (b.Scope(name))
        {
            Node y = attention(config.Norm(b, "norm1", x));
            x = b.Add(x, b.Identity("drop_path1", LayerScale.Build(b, "ls1", y, config.LayerScale)));
            y = Mlp.Build(b, "mlp", config.Norm(b, "norm2", x), 4 * x.Shape[2], ActLayers.Timm(config.Act));
            return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, config.LayerScale)));
        }
    }

    private static Node WindowAttention(GraphBuilder b, Context context, string name, Node x, int width)
    {
        RequireWhole(context, x);
        return Windows.Reverse(b, Attend(b, context, name, Windows.Partition(b, x, context.Window), width), context.Window, (x.Shape[0], x.Shape[1]));
    }

    private static Node GridAttention(GraphBuilder b, Context context, string name, Node x, int width)
    {
        RequireWhole(context, x);
        return Windows.GridReverse(b, Attend(b, context, name, Windows.GridPartition(b, x, context.Window), width), context.Window, (x.Shape[0], x.Shape[1]));
    }

    private static void RequireWhole(Context context, Node map)
    {
        Size2 window = context.Window;
        if (window.H == 0 || window.W == 0 || map.Shape[0] % window.H != 0 || map.Shape[1] % window.W != 0)
        {
            throw new GraphException($"Windows of {window.H}×{window.W}, a 32nd of the image, do not divide a map of {map.Shape[0]}×{map.Shape[1]}; "
                + "choose an image size that 32 divides.");
        }
    }

    /// <summary>timm's AttentionCl: windows <c>[windows, L, C]</c> → <c>[windows, L, width]</c>.</summary>
    private static Node Attend(GraphBuilder b, Context context, string name, Node x, int width)
    {
        (int windows, int length, int channels) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int heads = channels / HeadWidth;
        using (b.Scope(name))
        {
            x = b.Linear("qkv", x, 3 * channels);
            Node Part(int i) => context.Config.Transformer.HeadFirst ? b.Slice(x, 3, i * HeadWidth, HeadWidth) : b.Reshape(b.Slice(x, 2, i, 1), [windows, heads, length, HeadWidth]);
            x = context.Config.Transformer.HeadFirst
                ? b.Transpose(b.Reshape(x, [windows, length, heads, 3 * HeadWidth], "view"), 1, 2)
                : b.Transpose(b.Reshape(x, [windows, length, 3, heads, HeadWidth]), 1, 3);
            Node q = Part(0), k = Part(1), v = Part(2);
            Node scores = b.MatMul(b.Affine(q, Attention.Scale(q)), b.Transpose(k, -2, -1));
            x = BiasedAttention.WithRelPos(b, scores, q, k, v, Attention.Scale(q), () => PositionBias(b, context, context.Window, heads));
            x = b.Reshape(b.Transpose(x, 1, 2), [windows, length, channels]);
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    /// <summary>timm's Attention2d over all pixels: x <c>[C, H, W]</c> → <c>[channels, H, W]</c>.</summary>
    private static Node Attention2d(GraphBuilder b, Context context, string name, Node x, int channels)
    {
        (int inner, Size2 map) = (context.Config.Transformer.ExpandFirst ? channels : x.Shape[0], (x.Shape[1], x.Shape[2]));
        int heads = inner / HeadWidth;
        using (b.Scope(name))
        {
            x = b.Reshape(b.Conv2d("qkv", x, 3 * inner, 1, bias: true), [heads, 3 * HeadWidth, map.H * map.W], "view");
            Node Part(int i) => b.Slice(x, 1, i * HeadWidth, HeadWidth);
            Node Tokens(Node part) => b.Transpose(part, 1, 2, "#tokens");
            Node q = Part(0), k = Part(1), v = Part(2);
            Node scores = b.MatMul(b.Transpose(b.Affine(q, 1 / MathF.Sqrt(HeadWidth)), -2, -1), k), bias;
            using (b.Scope("rel_pos"))
                scores = b.Add(scores, bias = PositionBias(b, context, map, heads));
            b.Transpose(b.Identity("attn_drop", b.Softmax(scores, -1)), -2, -1);
            x = b.Transpose(b.Attention(Tokens(q), Tokens(k), Tokens(v), mask: bias, target: "#attention"), 1, 2, "matmul_1");
            x = b.Reshape(x, [inner, map.H, map.W], "view");
            return b.Identity("proj_drop", b.Conv2d("proj", x, channels, 1, bias: true));
        }
    }

    private const int HeadWidth = 32;

    /// <summary>The position bias <c>[heads, h · w, h · w]</c>, in the scope of the module <c>rel_pos</c>.</summary>
    private static Node PositionBias(GraphBuilder b, Context context, Size2 window, int heads)
    {
        TransformerConfig config = context.Config.Transformer;
        if (config.RelPos == RelPos.Mlp)
            return RelPosMlp.LogDistances(b, "mlp", window, heads, config.RelPosDim);
        context.Adapters[$"{b.Path}.relative_position_bias_table"] = RelPosBias.Resized(window);
        return config.RelPos == RelPos.BiasTf ? RelPosBias.FromTableTf(b, window, heads) : RelPosBias.FromTable(b, window, heads);
    }
}
