using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>A normalisation layer with its settings, to be placed under a name.</summary>
internal delegate Node NormLayer(GraphBuilder b, string name, Node x);

/// <summary>
/// The normalisations of <c>timm.layers.create_norm</c>. FX looks into timm's own modules, so their steps are nodes that can be chosen;
/// the result does not need them: it is one operator.
/// </summary>
internal static class Norms
{
    private const float Eps = 1e-6f;

    /// <summary>nn.BatchNorm2d with PyTorch's eps.</summary>
    public static NormLayer BatchNorm { get; } = BatchNormWith(1e-5f);

    /// <summary>timm's GroupNorm: 32 groups; a module that FX looks into.</summary>
    public static NormLayer GroupNorm { get; } = GroupNormOf(32);

    /// <summary>timm's GroupNorm1: all channels in one group; a module that FX looks into.</summary>
    public static NormLayer GroupNorm1 { get; } = GroupNormOf(1);

    /// <summary>A norm, or an identity where there is none.</summary>
    public static NormLayer OrIdentity(NormLayer? norm) => norm ?? ((b, name, x) => b.Identity(name, x));

    /// <summary>nn.BatchNorm2d with another eps.</summary>
    public static NormLayer BatchNormWith(float eps) => (b, name, x) => b.BatchNorm(name, x, eps);

    /// <summary>nn.LayerNorm over the last axis (tokens, channels-last maps): one module.</summary>
    public static NormLayer TorchLayerNorm(float eps = 1e-5f) => (b, name, x) => b.LayerNorm(name, x, eps);

    /// <summary>timm.layers.LayerNorm: over the last axis (tokens, channels-last maps).</summary>
    public static NormLayer LayerNorm(float eps = Eps) => (b, name, x) =>
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[^1]]), bias = b.Parameter("bias", [x.Shape[^1]]);
            return b.Function("layer_norm", new LayerNormOp(-1, eps), x, weight, bias);
        }
    };

    /// <summary>timm.layers.LayerNorm2d: over the channels of a map <c>[C, H, W]</c>.</summary>
    public static NormLayer LayerNorm2d(float eps = Eps) => (b, name, x) =>
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]), bias = b.Parameter("bias", [x.Shape[0]]);
            b.Function("layer_norm", new LayerNormOp(-1, eps), b.Permute(x, [1, 2, 0]), weight, bias);
            return b.Function("permute", new LayerNormOp(0, eps), x, weight, bias);
        }
    };

    /// <summary>timm.layers.RmsNorm: over the last axis. Paper: Root Mean Square Layer Normalization, https://arxiv.org/abs/1910.07467</summary>
    public static NormLayer RmsNorm(float eps = Eps) => (b, name, x) =>
    {
        using (b.Scope(name))
            return b.Function("rms_norm", new RmsNormOp(-1, eps), x, b.Parameter("weight", [x.Shape[^1]]));
    };

    /// <summary>timm.layers.RmsNorm2d: over the channels of a map <c>[C, H, W]</c>.</summary>
    public static NormLayer RmsNorm2d(float eps = Eps) => (b, name, x) =>
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]);
            Node mean = b.Reduce(b.Unary(x, UnaryKind.Square, "pow"), ReduceKind.Mean, [0], keepDims: true);
            b.Multiply(x, b.Unary(b.Affine(mean, 1, eps, "add"), UnaryKind.Rsqrt, "rsqrt"));
            return b.Function("mul", new RmsNormOp(0, eps), x, weight);
        }
    };

    /// <summary>timm.layers.SimpleNorm2d: a map <c>[C, H, W]</c> divided by the standard deviation over its channels.</summary>
    public static NormLayer SimpleNorm2d(float eps = Eps) => (b, name, x) =>
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [channels]), last = b.Permute(x, [1, 2, 0]);
            Node variance = b.Leaf("var", () => b.Affine(b.Reduce(last, ReduceKind.Variance, [-1], keepDims: true), channels / (channels - 1f)));
            b.Multiply(last, b.Unary(b.Affine(variance, 1, eps, "add"), UnaryKind.Rsqrt, "rsqrt"));
            b.Function("mul", new RmsNormOp(-1, eps, Centered: true), last, weight);
            return b.Function("permute", new RmsNormOp(0, eps, Centered: true), x, weight);
        }
    };

    /// <summary>torch.nn.functional.normalize over the last axis, or over another (0: the channels of a map): vectors of length 1.</summary>
    public static Node L2Normalize(GraphBuilder b, Node x, string target = "normalize", int axis = -1)
    {
        // x / √Σx² is the root-mean-square norm by 1/√d. PyTorch divides by 1e-12 at least, which this eps comes to.
        int depth = x.Shape[x.Shape.Axis(axis)];
        var scale = new float[depth];
        Array.Fill(scale, 1 / MathF.Sqrt(depth));
        return b.Function(target, new RmsNormOp(axis, 1e-24f / depth), x, b.Constant([depth], scale, "scale"));
    }

    private static NormLayer GroupNormOf(int groups) => (b, name, x) =>
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]), bias = b.Parameter("bias", [x.Shape[0]]);
            return b.Function("group_norm", new GroupNormOp(groups, 1e-5f), x, weight, bias);
        }
    };
}
