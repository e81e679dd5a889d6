using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>The pooling of timm's <c>downsample_avg</c>: what takes over the stride of a shortcut's 1×1 convolution ('D' ResNets).</summary>
public static class DownsamplePool
{
    /// <summary>x <c>[C, H, W]</c> → <c>[C, ⌈H/stride⌉, ⌈W/stride⌉]</c>; the same size where a dilation stands in for the stride.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int stride, int dilation)
        => dilation == 1 && stride > 1 ? b.AvgPool2d(name, x, 2, stride, ceilMode: true, countIncludePad: false)
        // A window of 2 with stride 1 needs one more row and column to keep the size: TensorFlow's SAME, at the end.
        : dilation > 1 ? b.AvgPool2d(name, x, 2, 1, new Padding(0, 0, 1, 1), countIncludePad: true)
        : b.Identity(name, x);
}
