using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>torch.nn.functional.normalize: vectors along an axis get the length 1, where they are not all zeros.</summary>
internal static class L2Normalize
{
    /// <summary>x with the same shape.</summary>
    public static Node Build(GraphBuilder b, Node x, int axis) => b.Leaf("normalize", () =>
    {
        Node norm = b.Reduce(x, ReduceKind.L2, [axis], keepDims: true);
        return b.Divide(x, b.Function("clamp", new UnaryOp(UnaryKind.Clamp, 1e-12f, float.MaxValue), norm));
    });
}
