using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.SeparableConvNormAct: a depthwise convolution, a 1×1 convolution, normalisation, activation.</summary>
public static class SeparableConvNormAct
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
