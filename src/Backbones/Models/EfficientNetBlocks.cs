using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// The blocks of mobile networks. timm: <c>_efficientnet_blocks.py</c>. Papers: MobileNetV2 (inverted residuals), https://arxiv.org/abs/1801.04381;
/// MobileNetV4 (universal inverted residuals, mobile attention), https://arxiv.org/abs/2404.10518; CondConv, https://arxiv.org/abs/1904.04971
/// </summary>
internal static class EfficientNetBlocks
{
    /// <summary>A block of any kind, in the scope that is open: x <c>[InChannels, H, W]</c> → <c>[OutChannels, H/stride, W/stride]</c>.</summary>
    public static Node Build(GraphBuilder b, Node x, EfficientNetPlacedBlock block) => block.Args.Kind switch
    {
        EfficientNetBlockKind.DepthwiseSeparable => DepthwiseSeparable(b, x, block),
        EfficientNetBlockKind.InvertedResidual when block.Args.Experts > 0 => CondConvResidual(b, x, block),
        EfficientNetBlockKind.InvertedResidual => InvertedResidual(b, x, block),
        EfficientNetBlockKind.EdgeResidual => EdgeResidual(b, x, block),
        EfficientNetBlockKind.ConvBnAct => ConvBnAct(b, x, block),
        EfficientNetBlockKind.UniversalInvertedResidual => UniversalInvertedResidual(b, x, block),
        _ => MobileAttention(b, x, block),
    };

    /// <summary>timm's SqueezeExcite of these families: channel means through two 1×1 convolutions.</summary>
    /// <param name="gate">The function of the factors.</param>
    /// <param name="act">The activation between the convolutions; null for the block's.</param>
    /// <param name="round">Rounds the channels between them; null for the nearest integer.</param>
    public static EfficientNetAttention SqueezeExcite(UnaryKind gate = UnaryKind.Sigmoid, UnaryKind? act = null, Func<double, int>? round = null) => (b, x, channels, ratio, blockAct) =>
    {
        int reduced = round?.Invoke(channels * ratio) ?? (int)Math.Round(channels * ratio);
        using (b.Scope("se"))
        {
            Node s = b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true);
            s = b.Act("act1", b.Conv2d("conv_reduce", s, reduced, 1, bias: true), act ?? blockAct);
            s = b.Act("gate", b.Conv2d("conv_expand", s, channels, 1, bias: true), gate);
            return b.Multiply(x, s);
        }
    };

    /// <summary>Global context in its place (GC-EfficientNet).</summary>
    public static EfficientNetAttention GlobalContextAttention { get; } = (b, x, channels, ratio, act) => GlobalContext.Build(b, "se", x, ratio, act);

    private static Node ConvBnAct(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        x = StridedConv(b, "conv", x, block.OutChannels, block, Groups(block.Args.GroupSize ?? 0, x.Shape[0]));
        x = block.Config.Norm(b, "bn1", x, block.Act);
        x = Downscale(b, x, block);
        // This kind has a skip only where it is asked for.
        return block.KeepsShape && block.Args.Skip == true ? AddSkip(b, x, shortcut) : x;
    }

    private static Node DepthwiseSeparable(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        EfficientNetConfig config = block.Config;
        int channels = block.StartsSpaceToDepth ? block.InChannels * 4 : block.InChannels;
        if (block.StartsSpaceToDepth)
        {
            x = Conv2dPadding.Conv2d(b, "conv_s2d", x, channels, 2, PadType.Same, stride: 2);
            x = config.Norm(b, "bn_s2d", x, block.Act);
            // A kernel of half the size sees as much as before.
            int kernel = (block.Args.Kernels[0] + 1) / 2;
            x = Conv2dPadding.Conv2d(b, "conv_dw", x, channels, kernel, kernel == 2 ? PadType.Same : config.Pad, block.Stride, block.Dilation, Groups(block.Args.GroupSize ?? 1, channels));
        }
        else
        {
            x = StridedConv(b, "conv_dw", x, channels, block, Groups(block.Args.GroupSize ?? 1, x.Shape[0]));
        }
        x = config.Norm(b, "bn1", x, block.Act);
        x = block.StartsSpaceToDepth ? b.Identity("aa", x) : Downscale(b, x, block);
        x = Attend(b, x, block, channels, block.StartsSpaceToDepth ? block.Args.SqueezeExcite / 4 : block.Args.SqueezeExcite);
        x = Conv(b, "conv_pw", x, block.OutChannels, block.Args.EndKernels, block);
        x = config.Norm(b, "bn2", x, block.Args.EndAct ? block.Act : null);
        return block.HasSkip && !block.Args.EndAct ? AddSkip(b, x, shortcut) : x;
    }

    private static Node InvertedResidual(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        NormActLayer norm = block.Config.Norm;
        int width = ChannelAttention.MakeDivisible(block.InChannels * block.Expansion);
        x = norm(b, "bn1", Conv(b, "conv_pw", x, width, block.Args.StartKernels, block), block.Act);
        x = norm(b, "bn2", StridedConv(b, "conv_dw", x, width, block, Groups(block.Args.GroupSize ?? 1, x.Shape[0])), block.Act);
        x = Downscale(b, x, block);
        x = Attend(b, x, block, width, InputSqueeze(block));
        x = norm(b, "bn3", Conv(b, "conv_pwl", x, block.OutChannels, block.Args.EndKernels, block), null);
        return block.HasSkip ? AddSkip(b, x, shortcut) : x;
    }

    private static Node CondConvResidual(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        (NormActLayer norm, PadType pad) = (block.Config.Norm, block.Config.Pad);
        int width = ChannelAttention.MakeDivisible(block.InChannels * block.Expansion);
        b.Declare("conv_pw", "bn1", "conv_dw", "bn2", "se", "conv_pwl", "bn3", "routing_fn");
        Node means = b.Flatten(b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true, target: "adaptive_avg_pool2d"));
        Node routing = b.Unary(b.Linear("routing_fn", means, block.Args.Experts), UnaryKind.Sigmoid, "sigmoid");
        x = norm(b, "bn1", CondConv2d.Build(b, "conv_pw", x, routing, width, 1, pad), block.Act);
        x = CondConv2d.Build(b, "conv_dw", x, routing, width, block.Args.Kernels[0], pad, block.Stride, block.Dilation, Groups(block.Args.GroupSize ?? 1, width));
        x = norm(b, "bn2", x, block.Act);
        x = Attend(b, x, block, width, InputSqueeze(block));
        x = norm(b, "bn3", CondConv2d.Build(b, "conv_pwl", x, routing, block.OutChannels, 1, pad), null);
        return block.HasSkip ? AddSkip(b, x, shortcut) : x;
    }

    private static Node EdgeResidual(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        EfficientNetConfig config = block.Config;
        int from = block.Args.ExpansionChannels > 0 ? config.RoundChannels(block.Args.ExpansionChannels) : block.InChannels;
        int width = ChannelAttention.MakeDivisible(from * block.Expansion);
        x = config.Norm(b, "bn1", StridedConv(b, "conv_exp", x, width, block, Groups(block.Args.GroupSize ?? 0, width)), block.Act);
        x = Downscale(b, x, block);
        x = Attend(b, x, block, width, InputSqueeze(block));
        x = config.Norm(b, "bn2", Conv(b, "conv_pwl", x, block.OutChannels, block.Args.EndKernels, block), null);
        return block.HasSkip ? AddSkip(b, x, shortcut) : x;
    }

    private static Node UniversalInvertedResidual(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        EfficientNetConfig config = block.Config;
        int start = block.Args.StartKernels is [var a] ? a : 0, middle = block.Args.Kernels[0], end = block.Args.EndKernels is [var p] ? p : 0;
        // The first depthwise convolution there is takes the stride, the middle one before the others.
        int startStride = middle > 0 ? 1 : block.Stride, endStride = start > 0 || middle > 0 ? 1 : block.Stride;
        int width = ChannelAttention.MakeDivisible(block.InChannels * block.Expansion);

        x = Depthwise("dw_start", x, start, null, startStride, config.AntiAlias);
        x = ConvNormAct.Build(b, "pw_exp", x, width, 1, config.Norm, block.Act);
        x = Depthwise("dw_mid", x, middle, block.Act, block.Stride, config.AntiAlias);
        x = Attend(b, x, block, width, InputSqueeze(block));
        x = ConvNormAct.Build(b, "pw_proj", x, block.OutChannels, 1, config.Norm, null);
        x = Depthwise("dw_end", x, end, null, endStride, null);
        x = LayerScale.Build2d(b, "layer_scale", x, config.LayerScale);
        return block.HasSkip ? AddSkip(b, x, shortcut) : x;

        Node Depthwise(string name, Node y, int kernel, UnaryKind? act, int stride, AaLayer? antiAlias) => kernel == 0
            ? b.Identity(name, y)
            : ConvNormAct.Build(b, name, y, y.Shape[0], kernel, config.Norm, act, stride, block.Dilation, Groups(block.Args.GroupSize ?? 1, y.Shape[0]), config.Pad, antiAlias);
    }

    private static Node MobileAttention(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
    {
        Node shortcut = x;
        EfficientNetBlockArgs args = block.Args;
        x = block.Config.Norm(b, "norm", x, null);
        x = MultiQueryAttention2d.Build(b, "attn", x, block.OutChannels, args.Heads, args.HeadDim, block.Config.Norm, args.KeyValueStride, args.Kernels[0], block.Dilation, block.Config.Pad);
        x = LayerScale.Build2d(b, "layer_scale", x, block.Config.LayerScale);
        return block.HasSkip ? AddSkip(b, x, shortcut) : x;
    }

    private static Node StridedConv(GraphBuilder b, string name, Node x, int outChannels, EfficientNetPlacedBlock block, int groups)
    {
        int stride = block.Config.AntiAlias is null ? block.Stride : 1;
        return block.Args.Kernels is [var kernel]
            ? Conv2dPadding.Conv2d(b, name, x, outChannels, kernel, block.Config.Pad, stride, block.Dilation, groups)
            : MixedConv2d.Build(b, name, x, outChannels, block.Args.Kernels.AsSpan(), block.Config.Pad, stride, block.Dilation, depthwise: groups == x.Shape[0]);
    }

    private static Node Conv(GraphBuilder b, string name, Node x, int outChannels, ImmutableArray<int> kernels, EfficientNetPlacedBlock block) => kernels.Length > 1
        ? MixedConv2d.Build(b, name, x, outChannels, kernels.AsSpan(), block.Config.Pad)
        : Conv2dPadding.Conv2d(b, name, x, outChannels, kernels is [var kernel] ? kernel : 1, block.Config.Pad);

    private static Node Downscale(GraphBuilder b, Node x, EfficientNetPlacedBlock block)
        => block.Stride > 1 && block.Config.AntiAlias is { } antiAlias ? antiAlias(b, "aa", x, block.Stride) : b.Identity("aa", x);

    private static Node Attend(GraphBuilder b, Node x, EfficientNetPlacedBlock block, int channels, double ratio)
        => ratio > 0 ? block.Config.Attention(b, x, channels, ratio, block.Act) : b.Identity("se", x);

    /// <summary>The attention's ratio for the channels inside a block, when it is said for the block's input.</summary>
    private static double InputSqueeze(EfficientNetPlacedBlock block)
        => block.Config.AttentionFromExpansion ? block.Args.SqueezeExcite : block.Args.SqueezeExcite / block.Expansion;

    private static Node AddSkip(GraphBuilder b, Node x, Node shortcut) => b.Add(b.Identity("drop_path", x), shortcut);

    private static int Groups(int groupSize, int channels) => groupSize == 0 ? 1 : channels / groupSize;
}
