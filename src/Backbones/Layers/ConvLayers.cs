using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>A convolution with a square kernel and its way of padding, to be placed under a name: x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
internal delegate Node ConvLayer(GraphBuilder b, string name, Node x, int outChannels, int kernel, int stride = 1, int dilation = 1, int groups = 1);

/// <summary>The convolutions that models take as a setting (<c>conv_layer</c>): plain ones, and those with standardised weights.</summary>
internal static class ConvLayers
{
    /// <summary>timm's create_conv2d without bias, padded the same on all sides.</summary>
    public static ConvLayer Plain { get; } = (b, name, x, outChannels, kernel, stride, dilation, groups)
        => Conv2dPadding.Conv2d(b, name, x, outChannels, kernel, PadType.Symmetric, stride, dilation, groups);

    /// <summary>
    /// timm.layers.StdConv2d: each filter has mean 0 and variance 1. FX looks into it, except where it pads as TensorFlow does (StdConv2dSame).
    /// Paper: Micro-Batch Training with Batch-Channel Normalization and Weight Standardization, https://arxiv.org/abs/1903.10520
    /// </summary>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="pad">Padding.</param>
    public static ConvLayer Standardized(float eps = 1e-6f, PadType pad = PadType.Symmetric) => (b, name, x, outChannels, kernel, stride, dilation, groups)
        => Conv(b, name, x, kernel, stride, dilation, groups, pad, () => Standardize(b, b.Parameter("weight", [outChannels, x.Shape[0] / groups, kernel, kernel]), eps), () => null);

    /// <summary>
    /// timm.layers.ScaledStdConv2d: standardised, divided by the square root of the filter's size, times a learned gain, with a bias.
    /// Paper: Characterizing signal propagation to close the performance gap in unnormalized ResNets, https://arxiv.org/abs/2101.08692
    /// </summary>
    /// <param name="gamma">What the activation before it takes away: a constant that multiplies the weight.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="pad">Padding.</param>
    public static ConvLayer ScaledStandardized(float gamma = 1, float eps = 1e-6f, PadType pad = PadType.Symmetric) => (b, name, x, outChannels, kernel, stride, dilation, groups)
        => Conv(b, name, x, kernel, stride, dilation, groups, pad, () =>
        {
            Node weight = b.Parameter("weight", [outChannels, x.Shape[0] / groups, kernel, kernel]), bias = b.Parameter("bias", [outChannels]), gain = b.Parameter("gain", [outChannels, 1, 1, 1]);
            float scale = gamma / MathF.Sqrt(weight.Shape.Length / outChannels);
            return b.Multiply(Standardize(b, weight, eps), b.Affine(gain, scale));
        }, () => b.Parameter("bias", [outChannels]));

    private static Node Conv(GraphBuilder b, string name, Node x, int kernel, int stride, int dilation, int groups, PadType pad, Func<Node> weight, Func<Node?> bias)
    {
        Padding padding = Conv2dPadding.Of(pad, x.Shape, kernel, stride, dilation);
        if (pad == PadType.Same)
            return b.Leaf(name, () => b.Conv2d("", x, weight(), bias(), stride, padding, dilation, groups));
        using (b.Scope(name))
            return b.Conv2d("conv2d", x, weight(), bias(), stride, padding, dilation, groups);
    }

    /// <summary>Weight standardisation: (w - mean) / √(variance + eps) of each filter, arithmetic over the parameter.</summary>
    private static Node Standardize(GraphBuilder b, Node weight, float eps)
    {
        Node centred = b.Subtract(weight, b.Reduce(weight, ReduceKind.Mean, [1, 2, 3], keepDims: true));
        Node variance = b.Reduce(weight, ReduceKind.Variance, [1, 2, 3], keepDims: true);
        return b.Multiply(centred, b.Unary(b.Affine(variance, 1, eps, "eps"), UnaryKind.Rsqrt, "rsqrt"));
    }
}
