using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.MixedConv2d: the channels in as many parts as there are kernel sizes, each with its own convolution.
/// Paper: MixConv, https://arxiv.org/abs/1907.09595
/// </summary>
internal static class MixedConv2d
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int outChannels, ReadOnlySpan<int> kernels, PadType pad, int stride = 1, int dilation = 1, bool depthwise = false)
    {
        int[] inSplits = Split(x.Shape[0], kernels.Length), outSplits = Split(outChannels, kernels.Length);
        var parts = new Node[kernels.Length];
        using (b.Scope(name))
        {
            int start = 0;
            for (int i = 0; i < parts.Length; i++)
            {
                Node part = b.Slice(x, 0, start, inSplits[i]);
                parts[i] = Conv2dPadding.Conv2d(b, $"{i}", part, outSplits[i], kernels[i], pad, stride, dilation, depthwise ? inSplits[i] : 1);
                start += inSplits[i];
            }
            return b.Concat(0, parts);
        }
    }

    // Equal parts; what is left over goes to the first.
    private static int[] Split(int channels, int parts)
    {
        var splits = new int[parts];
        Array.Fill(splits, channels / parts);
        splits[0] += channels % parts;
        return splits;
    }
}
