using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>How <c>timm.layers.create_conv2d</c> pads a convolution (<c>pad_type</c>).</summary>
internal enum PadType
{
    /// <summary>PyTorch's way (''): the same on all sides, whatever the size of the map.</summary>
    Symmetric,

    /// <summary>TensorFlow's way ('same'): as much as the size needs for ceil(size / stride) results, the odd pixel at the end.</summary>
    Same,
}

/// <summary>timm.layers.padding: the border that a convolution needs.</summary>
internal static class Conv2dPadding
{
    /// <summary>Padding of a map <c>[C, H, W]</c> for a square kernel.</summary>
    public static Padding Of(PadType type, Shape map, int kernel, int stride = 1, int dilation = 1)
    {
        if (type == PadType.Symmetric)
            return (stride - 1 + dilation * (kernel - 1)) / 2;
        int h = Total(map[1]), w = Total(map[2]);
        return new Padding(h / 2, w / 2, h - h / 2, w - w / 2);

        int Total(int size) => Math.Max(((size + stride - 1) / stride - 1) * stride + (kernel - 1) * dilation + 1 - size, 0);
    }

    /// <summary>A convolution with a square kernel over a map <c>[C, H, W]</c>, padded so.</summary>
    public static Node Conv2d(GraphBuilder b, string name, Node x, int outChannels, int kernel, PadType pad, int stride = 1, int dilation = 1, int groups = 1, bool bias = false)
        => b.Conv2d(name, x, outChannels, kernel, stride, Of(pad, x.Shape, kernel, stride, dilation), dilation, groups, bias);
}
