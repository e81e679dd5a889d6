using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.ConvNormAct: convolution, normalisation, activation, anti-aliased downsampling.</summary>
internal static class ConvNormAct
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">Size of the kernel.</param>
    /// <param name="norm">Normalisation.</param>
    /// <param name="act">Activation; null for none.</param>
    /// <param name="stride">Stride.</param>
    /// <param name="dilation">Dilation.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="pad">Padding.</param>
    /// <param name="antiAlias">What takes over the stride; null for none.</param>
    public static Node Build(
        GraphBuilder b, string name, Node x, int outChannels, int kernel, NormActLayer norm, UnaryKind? act,
        int stride = 1, int dilation = 1, int groups = 1, PadType pad = PadType.Symmetric, AaLayer? antiAlias = null)
    {
        AaLayer? downsample = stride > 1 ? antiAlias : null;
        using (b.Scope(name))
        {
            x = Conv2dPadding.Conv2d(b, "conv", x, outChannels, kernel, pad, downsample is null ? stride : 1, dilation, groups);
            x = norm(b, "bn", x, act);
            return downsample is null ? x : downsample(b, "aa", x, stride);
        }
    }
}

/// <summary>timm.layers.SeparableConvNormAct: a depthwise convolution, a 1×1 convolution, normalisation, activation.</summary>
internal static class SeparableConvNormAct
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int outChannels, int kernel, NormActLayer norm, UnaryKind? act, int stride = 1, int dilation = 1)
    {
        using (b.Scope(name))
        {
            x = Conv2dPadding.Conv2d(b, "conv_dw", x, x.Shape[0], kernel, PadType.Symmetric, stride, dilation, groups: x.Shape[0]);
            return norm(b, "bn", b.Conv2d("conv_pw", x, outChannels, 1), act);
        }
    }
}
