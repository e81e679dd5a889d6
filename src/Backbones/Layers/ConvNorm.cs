using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Conv2dNorm of timm's <c>shvit.py</c>, ConvNorm of <c>repvit.py</c>: a convolution <c>c</c> and its batch norm <c>bn</c>; and their classifier.</summary>
internal static class ConvNorm
{
    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int outChannels, int kernel = 1, int stride = 1, int groups = 1)
    {
        using (b.Scope(name))
            return b.BatchNorm("bn", b.Conv2d("c", x, outChannels, kernel, stride, kernel / 2, groups: groups));
    }

    /// <summary>NormLinear: pooled features <c>[C]</c> through batch norm <c>bn</c> and linear layer <c>l</c>; x itself without classes.</summary>
    public static Node Linear(GraphBuilder b, string name, Node x, int numClasses)
    {
        if (numClasses <= 0)
            return b.Identity(name, x);
        using (b.Scope(name))
            return b.Linear("l", b.BatchNorm("bn", x), numClasses);
    }
}
