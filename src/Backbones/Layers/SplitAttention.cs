using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.SplitAttn: a grouped convolution whose radix splits are weighted by channel attention and summed.
/// Paper: ResNeSt, https://arxiv.org/abs/2004.08955
/// </summary>
internal static class SplitAttention
{
    /// <summary>x <c>[C, H, W]</c> → <c>[channels, H/stride, W/stride]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int channels, int stride, int dilation, int groups, int radix, NormLayer norm)
    {
        int reduced = ChannelAttention.MakeDivisible(x.Shape[0] * radix * 0.25, 8, minValue: 32);
        using (b.Scope(name))
        {
            x = b.Conv2d("conv", x, channels * radix, 3, stride, dilation, dilation, groups * radix);
            x = norm(b, "bn0", x);
            x = b.Identity("drop", x);
            x = b.Act("act0", x, UnaryKind.Relu);
            (int h, int w) = (x.Shape[1], x.Shape[2]);

            Node gap = x;
            if (radix > 1)
            {
                x = b.Reshape(x, [radix, channels, h, w]);
                gap = b.Reduce(x, ReduceKind.Sum, [0]);
            }
            gap = b.Reduce(gap, ReduceKind.Mean, [1, 2], keepDims: true);
            gap = b.Conv2d("fc1", gap, reduced, 1, groups: groups, bias: true);
            gap = norm(b, "bn1", gap);
            gap = b.Act("act1", gap, UnaryKind.Relu);
            Node attention = b.Conv2d("fc2", gap, channels * radix, 1, groups: groups, bias: true);
            using (b.Scope("rsoftmax"))
                attention = RadixSoftmax(b, attention, groups, radix);
            if (radix == 1)
                return b.Multiply(x, b.Reshape(attention, [channels, 1, 1], "view"));
            Node weighted = b.Multiply(x, b.Reshape(b.Reshape(attention, [channels * radix, 1, 1], "view"), [radix, channels, 1, 1]));
            return b.Identity("contiguous", b.Reduce(weighted, ReduceKind.Sum, [0]));
        }
    }

    private static Node RadixSoftmax(GraphBuilder b, Node x, int groups, int radix)
    {
        if (radix == 1)
            return b.Unary(x, UnaryKind.Sigmoid, "sigmoid");
        int total = x.Shape[0];
        Node splits = b.Transpose(b.Reshape(x, [groups, radix, total / groups / radix], "view"), 0, 1);
        return b.Reshape(b.Softmax(splits, 0), [total]);
    }
}
