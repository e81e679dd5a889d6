using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// torchvision.ops.SqueezeExcitation: a map <c>[C, H, W]</c> is scaled by one factor per channel, from the channels' means. One module, which FX does not look into.
/// Paper: Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507
/// </summary>
internal static class SqueezeExcitation
{
    /// <summary>The map, scaled.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="squeezeChannels">Channels between the two convolutions.</param>
    /// <param name="act">Activation between them.</param>
    /// <param name="scale">What makes factors of their result.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int squeezeChannels, UnaryKind act = UnaryKind.Relu, UnaryKind scale = UnaryKind.Sigmoid) => b.Leaf(name, () =>
    {
        Node s = b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true);
        s = b.Act("activation", b.Conv2d("fc1", s, squeezeChannels, 1, bias: true), act);
        s = b.Act("scale_activation", b.Conv2d("fc2", s, x.Shape[0], 1, bias: true), scale);
        return b.Multiply(s, x);
    });
}
