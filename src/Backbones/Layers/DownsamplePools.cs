using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.BlurPool2d: anti-aliased downsampling by a binomial filter.
/// Paper: Making Convolutional Networks Shift-Invariant Again, https://arxiv.org/abs/1904.11486
/// </summary>
internal static class BlurPool2d
{
    /// <summary>x <c>[C, H, W]</c> → <c>[C, H/stride, W/stride]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int filterSize = 3, int stride = 2, PadMode mode = PadMode.Reflect)
    {
        int channels = x.Shape[0];
        float[] taps = Binomial(filterSize);
        var filter = new float[channels * filterSize * filterSize];
        for (int i = 0; i < filter.Length; i++)
            filter[i] = taps[i / filterSize % filterSize] * taps[i % filterSize];
        using (b.Scope(name))
        {
            Node padded = b.Pad2d(x, ((stride - 1) + (filterSize - 1)) / 2, mode);
            Node weight = b.Constant([channels, 1, filterSize, filterSize], filter, "filt");
            return b.Function("conv2d", new Conv2dOp(stride, 0, 1, channels), padded, weight);
        }
    }

    private static float[] Binomial(int size)
    {
        var taps = new float[size];
        float value = 1f / (1 << (size - 1));
        for (int k = 0; k < size; k++)
        {
            taps[k] = value;
            value = value * (size - 1 - k) / (k + 1);
        }
        return taps;
    }
}

/// <summary>The downsampling behind a convolution that gives its stride up for it.</summary>
internal delegate Node AaLayer(GraphBuilder b, string name, Node x, int stride);

/// <summary>The anti-aliasing layers of <c>timm.layers.create_aa</c>.</summary>
internal static class AntiAlias
{
    /// <summary>'avg': mean of stride × stride pixels.</summary>
    public static AaLayer Average { get; } = (b, name, x, stride) => b.AvgPool2d(name, x, stride);

    /// <summary>'blur': binomial filter over a mirrored border.</summary>
    public static AaLayer Blur { get; } = (b, name, x, stride) => BlurPool2d.Build(b, name, x, stride: stride);

    /// <summary>'blurpc': binomial filter over a map with a border of zeros.</summary>
    public static AaLayer BlurConstant { get; } = (b, name, x, stride) => BlurPool2d.Build(b, name, x, stride: stride, mode: PadMode.Constant);
}

/// <summary>The pooling of timm's <c>downsample_avg</c>: what takes over the stride of a shortcut's 1×1 convolution ('D' ResNets).</summary>
internal static class DownsamplePool
{
    /// <summary>x <c>[C, H, W]</c> → <c>[C, ⌈H/stride⌉, ⌈W/stride⌉]</c>; the same size where a dilation stands in for the stride.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int stride, int dilation)
        => dilation == 1 && stride > 1 ? b.AvgPool2d(name, x, 2, stride, ceilMode: true, countIncludePad: false)
        // A window of 2 with stride 1 needs one more row and column to keep the size: TensorFlow's SAME, at the end.
        : dilation > 1 ? b.AvgPool2d(name, x, 2, 1, new Padding(0, 0, 1, 1), countIncludePad: true)
        : b.Identity(name, x);
}
