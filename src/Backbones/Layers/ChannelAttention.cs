using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>An attention with its settings that leaves a map's shape as it is, to be placed under a name.</summary>
internal delegate Node AttentionLayer(GraphBuilder b, string name, Node x);

/// <summary>Attention over channels: a map <c>[C, H, W]</c> is scaled by one factor per channel.</summary>
internal static class ChannelAttention
{
    /// <summary>
    /// timm.layers.SEModule. Paper: Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507
    /// </summary>
    public static Node SqueezeExcite(
        GraphBuilder b, string name, Node x, float reductionRatio = 1f / 16, int? reducedChannels = null, int divisor = 8,
        UnaryKind act = UnaryKind.Relu, UnaryKind gate = UnaryKind.Sigmoid, NormLayer? norm = null, ActLayer? actLayer = null, bool bias = true)
    {
        int reduced = reducedChannels ?? MakeDivisible(x.Shape[0] * reductionRatio, divisor, roundLimit: 0);
        using (b.Scope(name))
        {
            Node s = b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true);
            s = b.Conv2d("fc1", s, reduced, 1, bias: bias);
            s = norm is null ? b.Identity("bn", s) : norm(b, "bn", s);
            s = (actLayer ?? ActLayers.Torch(act))(b, "act", s);
            s = b.Conv2d("fc2", s, x.Shape[0], 1, bias: bias);
            return b.Multiply(x, Gate(b, "gate", s, gate));
        }
    }

    /// <summary>
    /// timm.layers.EffectiveSEModule: one convolution that keeps the width. Paper: CenterMask, https://arxiv.org/abs/1911.06667
    /// </summary>
    public static Node EffectiveSqueezeExcite(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            Node s = b.Conv2d("fc", b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true), x.Shape[0], 1, bias: true);
            return b.Multiply(x, ActLayers.Timm(UnaryKind.HardSigmoid)(b, "gate", s));
        }
    }

    /// <summary>
    /// timm.layers.EcaModule: a 1-D convolution over the channel means.
    /// Paper: ECA-Net, https://arxiv.org/abs/1910.03151
    /// </summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="designChannels">Channels that the kernel size is computed from: those before pruning.</param>
    /// <param name="gamma">Divisor of the kernel size's formula.</param>
    /// <param name="beta">Offset of the kernel size's formula.</param>
    public static Node Eca(GraphBuilder b, string name, Node x, int? designChannels = null, float gamma = 2, float beta = 1)
    {
        int channels = x.Shape[0];
        int t = (int)(Math.Abs(Math.Log2(designChannels ?? channels) + beta) / gamma), kernel = Math.Max(t % 2 == 1 ? t : t + 1, 3);
        using (b.Scope(name))
        {
            Node y = b.Reshape(b.Reduce(x, ReduceKind.Mean, [1, 2]), [1, 1, channels], "view");
            using (b.Scope("conv"))
                y = b.Module("", new Conv2dOp(1, (0, kernel / 2), 1), y, b.Reshape(b.Parameter("weight", [1, 1, kernel]), [1, 1, 1, kernel]));
            y = b.Reshape(Gate(b, "gate", y, UnaryKind.Sigmoid), [channels, 1, 1], "view");
            return b.Multiply(x, b.Expand(y, x.Shape, "expand_as"));
        }
    }

    /// <summary>An activation that timm wraps in a module of its own, so that FX sees the function inside (<c>gate.sigmoid</c>).</summary>
    public static Node Gate(GraphBuilder b, string name, Node x, UnaryKind kind)
    {
        using (b.Scope(name))
            return b.Unary(x, kind, kind switch { UnaryKind.Sigmoid => "sigmoid", UnaryKind.HardSigmoid => "hardsigmoid", UnaryKind.Tanh => "tanh", _ => kind.ToString().ToLowerInvariant() });
    }

    /// <summary>timm's <c>make_divisible</c>: the nearest multiple of <paramref name="divisor"/>, not below <paramref name="roundLimit"/> of the value.</summary>
    public static int MakeDivisible(double value, int divisor = 8, int? minValue = null, double roundLimit = 0.9)
    {
        int result = Math.Max(minValue ?? divisor, (int)(value + divisor / 2.0) / divisor * divisor);
        return result < roundLimit * value ? result + divisor : result;
    }
}
