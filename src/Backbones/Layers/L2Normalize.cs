using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>torch.nn.functional.normalize: vectors along an axis get the length 1, where they are not all zeros.</summary>
internal static class L2Normalize
{
    /// <summary>x with the same shape.</summary>
    public static Node Build(GraphBuilder b, Node x, int axis)
    {
        // x / √Σx² is the root-mean-square norm by 1/√n, one operator. PyTorch divides by 1e-12 at least, which this eps comes to.
        int length = x.Shape[x.Shape.Axis(axis)];
        var scale = new float[length];
        Array.Fill(scale, 1 / MathF.Sqrt(length));
        return b.Function("normalize", new RmsNormOp(axis, 1e-24f / length), x, b.Constant([length], scale, "scale"));
    }
}
