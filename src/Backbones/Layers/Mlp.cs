using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>The two-layer perceptrons of <c>timm.layers.mlp</c>, over the last axis, or over the channels of a map <c>[C, H, W]</c> with 1×1 convolutions.</summary>
internal static class Mlp
{
    /// <summary>timm.layers.Mlp: fc1, activation, norm (optional), fc2 to the input's width or another.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int hidden, ActLayer act, NormLayer? norm = null, bool useConv = false, bool bias = true, int? outFeatures = null)
    {
        int width = outFeatures ?? (useConv ? x.Shape[0] : x.Shape[^1]);
        using (b.Scope(name))
        {
            x = b.Identity("drop1", act(b, "act", Layer(b, "fc1", x, hidden, useConv, bias)));
            x = Norms.OrIdentity(norm)(b, "norm", x);
            return b.Identity("drop2", Layer(b, "fc2", x, width, useConv, bias));
        }
    }

    /// <summary>
    /// timm.layers.SwiGLUPacked: fc1, whose first half gates the second by an activation, fc2.
    /// Paper: GLU Variants Improve Transformer, https://arxiv.org/abs/2002.05202
    /// </summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Tokens.</param>
    /// <param name="hidden">Width of fc1, both halves together.</param>
    /// <param name="act">The activation, SiLU by name.</param>
    /// <param name="bias">Whether the layers have biases.</param>
    public static Node SwiGluPacked(GraphBuilder b, string name, Node x, int hidden, ActLayer act, bool bias = true)
    {
        int width = x.Shape[^1], half = hidden / 2, last = x.Shape.Rank - 1;
        using (b.Scope(name))
        {
            x = b.Linear("fc1", x, hidden, bias);
            Node gate = act(b, "act", b.Slice(x, last, 0, half));
            x = b.Identity("drop1", b.Multiply(gate, b.Slice(x, last, half, half)));
            return b.Identity("drop2", b.Linear("fc2", b.Identity("norm", x), width, bias));
        }
    }

    /// <summary>timm.layers.GluMlp: fc1, whose second half gates the first by an activation, fc2.</summary>
    public static Node Glu(GraphBuilder b, string name, Node x, int hidden, ActLayer act)
    {
        int width = x.Shape[^1], half = hidden / 2, last = x.Shape.Rank - 1;
        using (b.Scope(name))
        {
            x = b.Linear("fc1", x, hidden);
            Node value = b.Slice(x, last, 0, half), gate = act(b, "act", b.Slice(x, last, half, half));
            x = b.Identity("drop1", b.Multiply(value, gate));
            return b.Identity("drop2", b.Linear("fc2", b.Identity("norm", x), width));
        }
    }

    /// <summary>timm.layers.SwiGLU: the same with a layer for the gate (fc1_g) and one for the values (fc1_x), each <paramref name="hidden"/> wide, and perhaps a norm before fc2.</summary>
    public static Node SwiGlu(GraphBuilder b, string name, Node x, int hidden, bool bias = true, NormLayer? norm = null)
    {
        int width = x.Shape[^1];
        using (b.Scope(name))
        {
            Node gate = b.Linear("fc1_g", x, hidden, bias), value = b.Linear("fc1_x", x, hidden, bias);
            x = b.Identity("drop1", b.Multiply(b.Act("act", gate, UnaryKind.Silu), value));
            return b.Identity("drop2", b.Linear("fc2", Norms.OrIdentity(norm)(b, "norm", x), width, bias));
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

    /// <summary>timm.layers.GlobalResponseNorm: each channel's L2 norm over the map, relative to the mean norm of all channels, scales it.</summary>
    internal static Node Grn(GraphBuilder b, string name, Node x, bool channelsFirst)
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
