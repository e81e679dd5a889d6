using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>The convolution of the Inception networks, with batch norm (eps 1e-3) and ReLU: as many pixels of padding as keep the size, or none (TensorFlow's VALID).</summary>
/// <param name="Channels">Channels of the result.</param>
/// <param name="Kernel">Size of the kernel.</param>
/// <param name="Stride">Stride; one above 1 goes without padding.</param>
/// <param name="Valid">No padding at stride 1 either.</param>
internal readonly record struct InceptionConv(int Channels, Size2 Kernel, int Stride = 1, bool Valid = false)
{
    private static readonly NormActLayer s_norm = NormActs.BatchNormWith(1e-3f);

    /// <summary>x <c>[C, H, W]</c> → <c>[Channels, H', W']</c>; the norm and activation are timm's unless given.</summary>
    public Node Build(GraphBuilder b, string name, Node x, NormActLayer? norm = null)
    {
        Padding padding = Valid || Stride > 1 ? 0 : (Kernel.H / 2, Kernel.W / 2);
        using (b.Scope(name))
            return (norm ?? s_norm)(b, "bn", b.Conv2d("conv", x, Channels, Kernel, Stride, padding), UnaryKind.Relu);
    }

    /// <summary>Several, one after another, named by a prefix and their numbers.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="prefix">What their names start with: <c>branch1.</c> for a nn.Sequential.</param>
    /// <param name="x">The map.</param>
    /// <param name="convs">The convolutions.</param>
    /// <param name="first">Number of the first one.</param>
    /// <param name="norm">Norm and activation; timm's unless given.</param>
    public static Node Chain(GraphBuilder b, string prefix, Node x, ReadOnlySpan<InceptionConv> convs, int first = 0, NormActLayer? norm = null)
    {
        foreach (InceptionConv conv in convs)
            x = conv.Build(b, $"{prefix}{first++}", x, norm);
        return x;
    }

    /// <summary>A branch that takes means of 3×3 pixels before its convolution: <c>name.0</c>, <c>name.1</c>.</summary>
    public static Node PoolBranch(GraphBuilder b, string name, Node x, int channels)
    {
        using (b.Scope(name))
            return new InceptionConv(channels, 1).Build(b, "1", b.AvgPool2d("0", x, 3, 1, 1, countIncludePad: false));
    }
}
