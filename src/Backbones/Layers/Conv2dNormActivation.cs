using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>torchvision.ops.Conv2dNormActivation: convolution <c>0</c>, normalisation <c>1</c>, activation <c>2</c>. One module, which FX does not look into.</summary>
internal static class Conv2dNormActivation
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">Size of the kernel.</param>
    /// <param name="norm">Normalisation; null for none.</param>
    /// <param name="act">Activation; null for none.</param>
    /// <param name="stride">Stride.</param>
    /// <param name="dilation">Dilation.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="padding">Padding; as many pixels as keep the size at stride 1 unless given.</param>
    /// <param name="bias">Whether the convolution has a bias; it has one where there is no normalisation, unless given.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int outChannels, int kernel, NormLayer? norm, UnaryKind? act,
        int stride = 1, int dilation = 1, int groups = 1, int? padding = null, bool? bias = null) => b.Leaf(name, () =>
        {
            Node y = b.Conv2d("0", x, outChannels, kernel, stride, padding ?? (kernel - 1) / 2 * dilation, dilation, groups, bias ?? norm is null);
            y = norm is null ? y : norm(b, "1", y);
            return act is { } kind ? b.Act(norm is null ? "1" : "2", y, kind) : y;
        });
}
