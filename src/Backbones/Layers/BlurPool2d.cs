using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.BlurPool2d: anti-aliased downsampling by a binomial filter.
/// Paper: Making Convolutional Networks Shift-Invariant Again, https://arxiv.org/abs/1904.11486
/// </summary>
public static class BlurPool2d
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
