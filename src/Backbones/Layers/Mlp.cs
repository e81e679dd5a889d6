using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>The two-layer perceptrons of <c>timm.layers.mlp</c>, over the last axis, or over the channels of a map <c>[C, H, W]</c> with 1×1 convolutions.</summary>
public static class Mlp
{
    /// <summary>timm.layers.Mlp: fc1, activation, norm (optional), fc2 back to the input's width.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int hidden, ActLayer act, NormLayer? norm = null, bool useConv = false, bool bias = true)
    {
        int width = useConv ? x.Shape[0] : x.Shape[^1];
        using (b.Scope(name))
        {
            x = b.Identity("drop1", act(b, "act", Layer(b, "fc1", x, hidden, useConv, bias)));
            x = norm is null ? b.Identity("norm", x) : norm(b, "norm", x);
            return b.Identity("drop2", Layer(b, "fc2", x, width, useConv, bias));
        }
    }

    /// <summary>
    /// timm.layers.GlobalResponseNormMlp: fc1, activation, global response norm, fc2.
    /// Paper: ConvNeXt V2, https://arxiv.org/abs/2301.00808
    /// </summary>
    public static Node GlobalResponseNorm(GraphBuilder b, string name, Node x, int hidden, ActLayer act, bool useConv = false)
    {
        int width = useConv ? x.Shape[0] : x.Shape[^1];
        using (b.Scope(name))
        {
            x = b.Identity("drop1", act(b, "act", Layer(b, "fc1", x, hidden, useConv, bias: true)));
            x = Grn(b, "grn", x, useConv);
            return b.Identity("drop2", Layer(b, "fc2", x, width, useConv, bias: true));
        }
    }

    // timm.layers.GlobalResponseNorm: each channel's L2 norm over the map, relative to the mean norm of all channels, scales it.
    private static Node Grn(GraphBuilder b, string name, Node x, bool channelsFirst)
    {
        int channels = channelsFirst ? x.Shape[0] : x.Shape[^1];
        Shape scaleShape = channelsFirst ? [channels, 1, 1] : [channels];
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [channels]), bias = b.Parameter("bias", [channels]);
            Node norm = b.Reduce(x, ReduceKind.L2, channelsFirst ? [1, 2] : [0, 1], keepDims: true);
            Node mean = b.Reduce(norm, ReduceKind.Mean, channelsFirst ? [0] : [-1], keepDims: true);
            Node scaled = b.Multiply(x, b.Divide(norm, b.Affine(mean, 1, 1e-6f, "add")));
            Node shift = b.Reshape(bias, scaleShape, "view"), scale = b.Reshape(weight, scaleShape, "view");
            return b.Add(x, b.Leaf("addcmul", () => b.Add(shift, b.Multiply(scale, scaled))));
        }
    }

    private static Node Layer(GraphBuilder b, string name, Node x, int width, bool useConv, bool bias)
        => useConv ? b.Conv2d(name, x, width, 1, bias: bias) : b.Linear(name, x, width, bias);
}
