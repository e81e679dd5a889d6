using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.GlobalContext: a map's channels are scaled by a perceptron over their attention-weighted mean, or shifted by it.
/// Paper: GCNet, https://arxiv.org/abs/1904.11492
/// </summary>
internal static class GlobalContext
{
    /// <summary>x <c>[C, H, W]</c> → the same shape.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="reductionRatio">Width of the perceptron's hidden layer, relative to the channels.</param>
    /// <param name="act">Its activation.</param>
    /// <param name="adds">The perceptron's result is added (timm's 'gca'), not the channels' factor.</param>
    public static Node Build(GraphBuilder b, string name, Node x, double reductionRatio = 1.0 / 8, UnaryKind act = UnaryKind.Relu, bool adds = false)
    {
        (int channels, int length) = (x.Shape[0], x.Shape[1] * x.Shape[2]);
        int reduced = ChannelAttention.MakeDivisible(channels * reductionRatio, 1, roundLimit: 0);
        using (b.Scope(name))
        {
            Node attention = b.Reshape(b.Conv2d("conv_attn", x, 1, 1, bias: true), [1, length]);
            attention = b.Reshape(b.Softmax(attention, -1), [1, length, 1], "unsqueeze");
            Node pixels = b.Reshape(b.Reshape(x, [channels, length]), [1, channels, length], "unsqueeze");
            Node context = b.Reshape(b.MatMul(pixels, attention), [channels, 1, 1], "view");
            if (adds)
                return b.Add(x, ContextMlp(b, "mlp_add", context, reduced, act));
            // FX counts the two products of height and width among the names.
            return b.Multiply(x, ChannelAttention.Gate(b, "gate", ContextMlp(b, "mlp_scale", context, reduced, act), UnaryKind.Sigmoid), "mul_2");
        }
    }

    private static Node ContextMlp(GraphBuilder b, string name, Node x, int hidden, UnaryKind act)
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            x = Norms.LayerNorm2d()(b, "norm", b.Conv2d("fc1", x, hidden, 1, bias: true));
            x = b.Identity("drop", ActLayers.Timm(act)(b, "act", x));
            return b.Conv2d("fc2", x, channels, 1, bias: true);
        }
    }
}
