using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>An activation with its settings, to be placed under a name.</summary>
internal delegate Node ActLayer(GraphBuilder b, string name, Node x);

/// <summary>The activations of torch.nn and of <c>timm.layers.get_act_layer</c>: the same functions, other node names.</summary>
internal static class ActLayers
{
    /// <summary>A module of torch.nn: one node with the module's name.</summary>
    public static ActLayer Torch(UnaryKind kind) => (b, name, x) => b.Act(name, x, kind);

    /// <summary>What timm makes from a name ('gelu', 'silu', …): modules of its own that FX looks into where it has them, else torch.nn's.</summary>
    public static ActLayer Timm(UnaryKind kind) => kind switch
    {
        UnaryKind.Gelu or UnaryKind.GeluTanh => Wrapped(kind, "gelu"),
        UnaryKind.Sigmoid => Wrapped(kind, "sigmoid"),
        UnaryKind.Tanh => Wrapped(kind, "tanh"),
        UnaryKind.QuickGelu => QuickGelu,
        _ => Torch(kind),
    };

    private static ActLayer Wrapped(UnaryKind kind, string function) => (b, name, x) =>
    {
        using (b.Scope(name))
            return b.Unary(x, kind, function);
    };

    private static Node QuickGelu(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
        {
            // The parts can be chosen as features; the result does not need them.
            b.Unary(b.Affine(x, 1.702f), UnaryKind.Sigmoid, "sigmoid");
            return b.Unary(x, UnaryKind.QuickGelu, "mul");
        }
    }
}
