using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>A head that works on cut boxes, each <c>[H, W, C]</c> as RoIAlign gives it.</summary>
/// <param name="Graph">The graph; its outputs are the head's.</param>
/// <param name="Rows">Boxes in one item of the graph's batch.</param>
/// <param name="Features">What the predictor gets.</param>
internal sealed record RoIHead(Graph Graph, int Rows, Node Features)
{
    /// <summary>Most boxes that go through the fully connected layers as one item: their weights, 50 MB of them, are read once for each item.</summary>
    private const int MostTogether = 256;

    private const int Representation = 1024;

    /// <summary>Two fully connected layers (torchvision's <c>TwoMLPHead</c>), then scores <c>[classes]</c> and deltas <c>[4 · classes]</c> of each box.</summary>
    /// <param name="channels">Channels of what is cut.</param>
    /// <param name="size">Its height and width.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="most">Boxes of an image at most, and as a rule: they are divided into items of equal size.</param>
    public static RoIHead TwoMlp(int channels, Size2 size, int classes, int most)
    {
        int area = size.H * size.W, items = (most - 1) / MostTogether + 1, rows = (most - 1) / items + 1;
        var b = new GraphBuilder([rows, area * channels]);
        Node x;
        using (b.Scope("roi_heads.box_head"))
        {
            x = b.Unary(FullyConnected(b, "fc6", b.Input, channels, area), UnaryKind.Relu, "relu");
            x = b.Unary(b.Linear("fc7", x, Representation), UnaryKind.Relu, "relu");
        }
        return BoxPredictor(b, x, classes, rows);
    }

    /// <summary>Convolutions with batch normalisation, then one fully connected layer (torchvision's <c>FastRCNNConvFCHead</c>), then scores and deltas.</summary>
    public static RoIHead ConvFc(int channels, Size2 size, int classes, int convs)
    {
        var b = new GraphBuilder([size.H, size.W, channels]);
        Node x = b.Permute(b.Input, [2, 0, 1], "#channels_first");
        using (b.Scope("roi_heads.box_head"))
        {
            for (int i = 0; i < convs; i++)
                x = ConvNormRelu(b, $"{i}", x, channels, batchNorm: true);
            x = b.Flatten(b.Permute(x, [1, 2, 0], "#channels_last"));
            x = b.Unary(FullyConnected(b, $"{convs + 1}", x, channels, size.H * size.W), UnaryKind.Relu, "relu");
        }
        return BoxPredictor(b, x, classes, 1);
    }

    /// <summary>Convolutions, then a map of twice the size with one channel a class (torchvision's <c>MaskRCNNHeads</c> and <c>MaskRCNNPredictor</c>): logits <c>[classes, 2H, 2W]</c>.</summary>
    public static RoIHead Mask(int channels, Size2 size, int classes, ImmutableArray<int> layers, bool batchNorm)
    {
        var b = new GraphBuilder([size.H, size.W, channels]);
        Node x = b.Permute(b.Input, [2, 0, 1], "#channels_first");
        using (b.Scope("roi_heads.mask_head"))
        {
            for (int i = 0; i < layers.Length; i++)
                x = ConvNormRelu(b, $"{i}", x, layers[i], batchNorm);
        }
        using (b.Scope("roi_heads.mask_predictor"))
        {
            // 2×2 pixels of each: next to each other in memory, the map of twice the size is put together of the few channels of the result alone.
            Node quarters = b.Unary(TransposedConv2x2(b, "conv5_mask", x, layers[^1]), UnaryKind.Relu, "relu");
            Node logits = b.Conv2d("mask_fcn_logits", quarters, classes, 1, bias: true);
            logits = b.Reshape(logits, [classes, size.H, size.W, 2, 2], "#quarters");
            return new(b.Build(b.Reshape(b.Permute(logits, [0, 1, 3, 2, 4], "#interleaved"), [classes, 2 * size.H, 2 * size.W], "#mask")), 1, x);
        }
    }

    /// <summary>Convolutions, then a map of four times the size for each point (torchvision's <c>KeypointRCNNHeads</c> and <c>KeypointRCNNPredictor</c>): logits <c>[keypoints, 4H, 4W]</c>.</summary>
    public static RoIHead Keypoints(int channels, Size2 size, int keypoints, ImmutableArray<int> layers)
    {
        var b = new GraphBuilder([size.H, size.W, channels]);
        Node x = b.Permute(b.Input, [2, 0, 1], "#channels_first");
        using (b.Scope("roi_heads.keypoint_head"))
        {
            for (int i = 0; i < layers.Length; i++)
                x = b.Act($"{2 * i + 1}", b.Conv2d($"{2 * i}", x, layers[i], 3, padding: 1, bias: true), UnaryKind.Relu);
        }
        using (b.Scope("roi_heads.keypoint_predictor"))
        {
            Node y = TransposedConv4x4(b, "kps_score_lowres", x, keypoints);
            return new(b.Build(b.Resize(y, 4 * size.H, 4 * size.W, ResizeMode.Bilinear)), 1, x);
        }
    }

    private static RoIHead BoxPredictor(GraphBuilder b, Node x, int classes, int rows)
    {
        using (b.Scope("roi_heads.box_predictor"))
            return new(b.Build(b.Linear("cls_score", x, classes), b.Linear("bbox_pred", x, 4 * classes)), rows, x);
    }

    private static Node ConvNormRelu(GraphBuilder b, string name, Node x, int channels, bool batchNorm)
    {
        using (b.Scope(name))
        {
            Node y = b.Conv2d("0", x, channels, 3, padding: 1, bias: !batchNorm);
            return batchNorm ? b.Act("2", b.BatchNorm("1", y), UnaryKind.Relu) : b.Act("1", y, UnaryKind.Relu);
        }
    }

    /// <summary>A fully connected layer over maps with channels last, whose weights are for maps with channels first: they are turned, once.</summary>
    private static Node FullyConnected(GraphBuilder b, string name, Node x, int channels, int area)
    {
        Node weight, bias;
        using (b.Scope(name))
        {
            weight = b.Parameter("weight", [Representation, channels * area]);
            bias = b.Parameter("bias", [Representation]);
        }
        weight = b.Reshape(b.Permute(b.Reshape(weight, [Representation, channels, area]), [0, 2, 1]), [Representation, area * channels]);
        return b.Module(name, new LinearOp(true), x, weight, bias);
    }

    /// <summary>
    /// A transposed convolution of 4×4 with stride 2 and padding 1 makes 2×2 pixels of each: those of even rows (and columns) of the one before and the pixel itself, by the fourth and second row of
    /// the filter, those of odd rows of the pixel and the one behind, by its third and first. So it is a convolution of 3×3 with four results a pixel, whose filters have zeros beside.
    /// </summary>
    internal static Node TransposedConv4x4(GraphBuilder b, string name, Node x, int outChannels)
    {
        const int None = 4;
        ReadOnlySpan<int> rows = [3, 1, None, None, 2, 0];
        (int channels, int height, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Node weight, bias;
        using (b.Scope(name))
        {
            weight = b.Parameter("weight", [channels, outChannels, 4, 4]);
            bias = b.Parameter("bias", [outChannels]);
        }
        Node filters = b.Gather(b.Gather(b.Pad2d(weight, new Padding(0, 0, 1, 1)), 2, rows), 3, rows);
        filters = b.Permute(b.Reshape(filters, [channels, outChannels, 2, 3, 2, 3]), [2, 4, 1, 0, 3, 5]);
        bias = b.Reshape(b.Expand(b.Reshape(bias, [1, outChannels]), [4, outChannels]), [4 * outChannels]);
        Node y = b.Conv2d(name, x, b.Reshape(filters, [4 * outChannels, channels, 3, 3]), bias, stride: 1, padding: 1, dilation: 1);
        y = b.Permute(b.Reshape(y, [2, 2, outChannels, height, width], "#quarters"), [2, 3, 0, 4, 1], "#interleaved");
        return b.Reshape(y, [outChannels, 2 * height, 2 * width], "#map");
    }

    /// <summary>
    /// A transposed convolution of 2×2 with stride 2 makes 2×2 pixels of each, every one by weights of its own: a convolution of 1×1. Its result is <c>[outChannels, H, W · 4]</c>,
    /// the four pixels of each next to each other.
    /// </summary>
    private static Node TransposedConv2x2(GraphBuilder b, string name, Node x, int outChannels)
    {
        (int channels, int height, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Node weight, bias;
        using (b.Scope(name))
        {
            weight = b.Parameter("weight", [channels, outChannels, 2, 2]);
            bias = b.Parameter("bias", [outChannels]);
        }
        weight = b.Reshape(b.Permute(weight, [2, 3, 1, 0]), [4 * outChannels, channels, 1, 1]);
        bias = b.Reshape(b.Expand(b.Reshape(bias, [1, outChannels]), [4, outChannels]), [4 * outChannels]);
        Node y = b.Conv2d(name, x, weight, bias, stride: 1, padding: 0, dilation: 1);
        y = b.Reshape(b.Permute(y, [1, 2, 0], "#channels_last"), [height, width * 4, outChannels], "#pixels");
        return b.Permute(y, [2, 0, 1], "#channels_first");
    }
}
