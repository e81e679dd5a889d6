using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.CondConv2d: a convolution whose weight is a mixture of several experts', with the image's own proportions.
/// Paper: CondConv, https://arxiv.org/abs/1904.04971
/// </summary>
internal static class CondConv2d
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="routing">The experts' proportions <c>[E]</c>.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">Size of the kernel.</param>
    /// <param name="pad">Padding.</param>
    /// <param name="stride">Stride.</param>
    /// <param name="dilation">Dilation.</param>
    /// <param name="groups">Groups.</param>
    public static Node Build(GraphBuilder b, string name, Node x, Node routing, int outChannels, int kernel, PadType pad, int stride = 1, int dilation = 1, int groups = 1)
        => b.Leaf(name, () =>
        {
            int perGroup = x.Shape[0] / groups;
            Node experts = b.Parameter("weight", [routing.Shape[0], outChannels * perGroup * kernel * kernel]);
            return kernel == 1 && stride == 1 && groups == 1
                ? Pointwise(b, x, experts, routing, outChannels)
                : Spatial(b, x, experts, routing, [outChannels, perGroup, kernel, kernel], stride, Conv2dPadding.Of(pad, x.Shape, kernel, stride, dilation), dilation, groups);
        });

    // A 1×1 convolution is a matrix product, which takes a weight of each image's own: the experts are mixed before it.
    private static Node Pointwise(GraphBuilder b, Node x, Node experts, Node routing, int outChannels)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Node weight = b.Reshape(b.MatMul(b.Reshape(routing, [1, routing.Shape[0]]), experts), [outChannels, channels]);
        return b.Reshape(b.MatMul(weight, b.Reshape(x, [channels, h * w])), [outChannels, h, w]);
    }

    // Convolution is linear in its weight: every expert's result, mixed after it. Cheap where it is used, for depthwise kernels.
    private static Node Spatial(GraphBuilder b, Node x, Node experts, Node routing, Shape weight, int stride, Padding padding, int dilation, int groups)
    {
        int count = routing.Shape[0];
        Node[] each = [.. Enumerable.Range(0, count).Select(e => b.Conv2d("each", x, b.Reshape(b.Slice(experts, 0, e, 1), weight), null, stride, padding, dilation, groups))];
        Shape map = each[0].Shape;
        return b.Reduce(b.Multiply(b.Reshape(b.Concat(0, each), [count, .. map]), b.Reshape(routing, [count, 1, 1, 1])), ReduceKind.Sum, [0]);
    }
}
