using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>A normalisation layer with its settings, to be placed under a name.</summary>
public delegate Node NormLayer(GraphBuilder b, string name, Node x);

/// <summary>The normalisations of <c>timm.layers.create_norm</c> for maps <c>[C, H, W]</c>.</summary>
public static class Norms
{
    /// <summary>nn.BatchNorm2d with PyTorch's eps.</summary>
    public static NormLayer BatchNorm { get; } = BatchNormWith(1e-5f);

    /// <summary>timm's GroupNorm: 32 groups; a module that FX looks into.</summary>
    public static NormLayer GroupNorm { get; } = (b, name, x) =>
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [x.Shape[0]]), bias = b.Parameter("bias", [x.Shape[0]]);
            return b.Function("group_norm", new GroupNormOp(32, 1e-5f), x, weight, bias);
        }
    };

    /// <summary>nn.BatchNorm2d with another eps.</summary>
    public static NormLayer BatchNormWith(float eps) => (b, name, x) => b.BatchNorm(name, x, eps);
}
