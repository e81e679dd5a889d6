using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Two classifiers over the same features, one of which learned from a teacher; the result is the mean of both.</summary>
internal static class DistilledHead
{
    /// <summary>Adds <c>head</c> and <c>head_dist</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="classifier">Makes a classifier under a name.</param>
    public static Node Build(GraphBuilder b, Func<string, Node> classifier)
        => b.Affine(b.Add(classifier("head"), classifier("head_dist")), 0.5f, target: "truediv");
}
