using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>NormLinear of timm's <c>levit.py</c> and <c>efficientvit_msra.py</c>: batch norm and a linear classifier.</summary>
internal static class NormLinear
{
    /// <summary>x <c>[…, C]</c> → <c>[…, numClasses]</c>; x itself without classes.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int numClasses)
    {
        if (numClasses <= 0)
            return b.Identity(name, x);
        using (b.Scope(name))
            return b.Linear("linear", b.Identity("drop", b.BatchNorm("bn", x, axis: -1)), numClasses);
    }
}
