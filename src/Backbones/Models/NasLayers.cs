using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>The layers that the cells of NASNet and PNASNet are made of. Batch norm has eps 1e-3, the padding is TensorFlow's SAME.</summary>
internal static class NasLayers
{
    private const float Eps = 1e-3f;

    /// <summary>The first convolution, without padding or activation.</summary>
    public static Node Stem(GraphBuilder b, string name, Node x, int channels)
    {
        using (b.Scope(name))
            return NormActs.BatchNormWith(Eps)(b, "bn", b.Conv2d("conv", x, channels, 3, stride: 2), null);
    }

    public static Node BatchNorm(GraphBuilder b, string name, Node x) => b.BatchNorm(name, x, Eps);

    /// <summary>ReLU, 1×1 convolution, batch norm. The activation is where timm takes a level.</summary>
    public static (Node Act, Node Result) ActConvBn(GraphBuilder b, string name, Node x, int channels, int stride = 1)
    {
        using (b.Scope(name))
        {
            Node act = b.Act("act", x, UnaryKind.Relu);
            return (act, BatchNorm(b, "bn", b.Conv2d("conv", act, channels, 1, stride)));
        }
    }

    /// <summary>Two separable convolutions of a kernel, each behind a ReLU; the first has the stride.</summary>
    public static Node Separable(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1)
    {
        using (b.Scope(name))
        {
            for (int i = 1; i <= 2; i++)
            {
                x = b.Act($"act_{i}", x, UnaryKind.Relu);
                using (b.Scope($"separable_{i}"))
                {
                    x = Conv2dPadding.Conv2d(b, "depthwise_conv2d", x, x.Shape[0], kernel, PadType.Same, i == 1 ? stride : 1, groups: x.Shape[0]);
                    x = b.Conv2d("pointwise_conv2d", x, channels, 1);
                }
                x = BatchNorm(b, $"bn_sep_{i}", x);
            }
            return x;
        }
    }

    /// <summary>Maximum of 3×3 pixels.</summary>
    public static Node MaxPool(GraphBuilder b, string name, Node x, int stride) => b.MaxPool2d(name, x, 3, stride, Conv2dPadding.Of(PadType.Same, x.Shape, 3, stride));

    /// <summary>Mean of 3×3 pixels. A border that timm adds as a layer of its own, which it does at a stride, counts as zeros.</summary>
    public static Node AvgPool(GraphBuilder b, string name, Node x, int stride)
        => b.AvgPool2d(name, x, 3, stride, Conv2dPadding.Of(PadType.Same, x.Shape, 3, stride), countIncludePad: stride > 1);

    /// <summary>Every other pixel, beside every other pixel but shifted by one: half the map with half the channels each, in the scope that is open.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="channels">Channels of the result <c>[channels, ⌈H/2⌉, ⌈W/2⌉]</c>.</param>
    public static Node FactorizedReduction(GraphBuilder b, Node x, int channels)
    {
        x = b.Act("act", x, UnaryKind.Relu);
        Node first = Path("path_1", x), second;
        using (b.Scope("path_2"))
        {
            second = b.Leaf("pad", () =>
            {
                (int h, int w) = (x.Shape[1], x.Shape[2]);
                return b.Pad2d(b.Slice(b.Slice(x, 1, 1, h - 1), 2, 1, w - 1), new Padding(0, 0, 1, 1));
            });
        }
        return BatchNorm(b, "final_path_bn", b.Concat(0, [first, Path("path_2", second)]));

        Node Path(string name, Node map)
        {
            using (b.Scope(name))
                return b.Conv2d("conv", b.AvgPool2d("avgpool", map, 1, 2), channels / 2, 1);
        }
    }
}
