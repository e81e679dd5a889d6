namespace Backbones.Graphs;

/// <summary>Activations with PyTorch's default constants.</summary>
public static class Activations
{
    /// <summary>The operator of a kind with its default slope (LeakyReLU 0.01, ELU 1).</summary>
    public static UnaryOp Of(UnaryKind kind) => kind switch
    {
        UnaryKind.LeakyRelu => new UnaryOp(kind, 0.01f),
        UnaryKind.Elu => new UnaryOp(kind, 1f),
        UnaryKind.Affine or UnaryKind.Clamp => throw new ArgumentException($"{kind} needs its constants; make a UnaryOp.", nameof(kind)),
        _ => new UnaryOp(kind),
    };
}
