using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>A normalisation with the activation behind it, to be placed under a name; null for no activation.</summary>
internal delegate Node NormActLayer(GraphBuilder b, string name, Node x, UnaryKind? act);

/// <summary>The normalisations with activation of <c>timm.layers.get_norm_act_layer</c>, over a map <c>[C, H, W]</c>.</summary>
internal static class NormActs
{
    private const float Eps = 1e-5f;

    /// <summary>timm's BatchNormAct2d with PyTorch's eps.</summary>
    public static NormActLayer BatchNorm { get; } = BatchNormWith(Eps);

    /// <summary>timm's BatchNormAct2d with another eps: one module, which FX does not look into.</summary>
    public static NormActLayer BatchNormWith(float eps) => (b, name, x, act) => b.Leaf(name, () =>
    {
        Node y = b.BatchNorm("", x, eps);
        return act is { } kind ? b.Act("act", y, kind) : y;
    });

    /// <summary>timm's GroupNormAct with groups of that many channels.</summary>
    public static NormActLayer GroupNorm(int groupSize) => GroupNormAct(channels => channels / groupSize);

    /// <summary>timm's GroupNormAct with its default of 32 groups.</summary>
    public static NormActLayer GroupNorm32 { get; } = GroupNormAct(_ => 32);

    /// <summary>timm's LayerNormAct2d: over the channels.</summary>
    public static NormActLayer LayerNorm2d { get; } = LayerNorm2dWith(Eps);

    /// <summary>timm's LayerNormAct2d with another eps.</summary>
    public static NormActLayer LayerNorm2dWith(float eps) => (b, name, x, act) =>
    {
        Node y = Norms.LayerNorm2d(eps)(b, name, x);
        using (b.Scope(name))
            return DropAct(b, y, act);
    };

    /// <summary>
    /// timm's EvoNorm2dS0: a gate and the deviation of groups of that many channels in one; without activation only scale and shift.
    /// Paper: Evolving Normalization-Activation Layers, https://arxiv.org/abs/2004.02967
    /// </summary>
    public static NormActLayer EvoNorm2dS0(int groupSize) => EvoNorm(channels => channels / groupSize);

    /// <summary>timm's EvoNorm2dS0 with its default of 32 groups.</summary>
    public static NormActLayer EvoNorm2dS0Groups32 { get; } = EvoNorm(_ => 32);

    /// <summary>timm's EvoNorm2dS0a: the same with eps 1e-3, and the deviation is divided by without activation too.</summary>
    public static NormActLayer EvoNorm2dS0a(int groupSize) => (b, name, x, act) =>
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            Node weight = Vector(b, "weight", channels), bias = Vector(b, "bias", channels);
            Node deviation = GroupDeviation(b, x, channels / groupSize, eps: 1e-3f);
            if (act is not null)
                x = b.Multiply(x, b.Unary(b.Multiply(x, Vector(b, "v", channels)), UnaryKind.Sigmoid, "sigmoid"));
            return b.Add(b.Multiply(b.Divide(x, deviation), weight), bias);
        }
    };

    /// <summary>
    /// timm's FilterResponseNormTlu2d: each channel's map divided by its root mean square, and a learned threshold as activation; without activation no threshold.
    /// Paper: Filter Response Normalization Layer, https://arxiv.org/abs/1911.09737
    /// </summary>
    public static NormActLayer FilterResponseNormTlu2d { get; } = (b, name, x, act) =>
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            Node weight = Vector(b, "weight", channels), bias = Vector(b, "bias", channels);
            Node power = b.Affine(b.Reduce(b.Unary(x, UnaryKind.Square, "square"), ReduceKind.Mean, [1, 2], keepDims: true), 1, Eps, "add");
            x = b.Multiply(x, b.Expand(b.Unary(power, UnaryKind.Rsqrt, "rsqrt"), x.Shape));
            x = b.Add(b.Multiply(x, weight), bias);
            return act is null ? x : b.Function("maximum", new BinaryOp(BinaryKind.Max), x, Vector(b, "tau", channels));
        }
    };

    private static NormActLayer GroupNormAct(Func<int, int> groupsOf) => (b, name, x, act) =>
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]), bias = b.Parameter("bias", [x.Shape[0]]);
            return DropAct(b, b.Function("group_norm", new GroupNormOp(groupsOf(x.Shape[0]), Eps), x, weight, bias), act);
        }
    };

    private static NormActLayer EvoNorm(Func<int, int> groupsOf) => (b, name, x, act) =>
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            Node weight = Vector(b, "weight", channels), bias = Vector(b, "bias", channels);
            if (act is not null)
            {
                Node gated = b.Multiply(x, b.Unary(b.Multiply(x, Vector(b, "v", channels)), UnaryKind.Sigmoid, "sigmoid"));
                x = b.Divide(gated, GroupDeviation(b, x, groupsOf(channels)));
            }
            return b.Add(b.Multiply(x, weight), bias);
        }
    };

    /// <summary>A parameter of one value a channel, for maps.</summary>
    private static Node Vector(GraphBuilder b, string key, int channels) => b.Reshape(b.Parameter(key, [channels]), [channels, 1, 1], "view");

    private static Node GroupDeviation(GraphBuilder b, Node x, int groups, float eps = Eps)
    {
        Shape grouped = [groups, x.Shape[0] / groups, x.Shape[1], x.Shape[2]];
        Node variance = b.Reduce(b.Reshape(x, grouped), ReduceKind.Variance, [1, 2, 3], keepDims: true);
        Node deviation = b.Unary(b.Affine(variance, 1, eps, "add"), UnaryKind.Sqrt, "sqrt");
        return b.Reshape(b.Expand(deviation, grouped), x.Shape);
    }

    private static Node DropAct(GraphBuilder b, Node x, UnaryKind? act)
    {
        x = b.Identity("drop", x);
        return act is { } kind ? ActLayers.Timm(kind)(b, "act", x) : b.Identity("act", x);
    }
}
