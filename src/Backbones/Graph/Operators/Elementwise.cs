using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>Functions of one value; formulas are PyTorch's.</summary>
public enum UnaryKind
{
    /// <summary>max(x, 0)</summary>
    Relu,
    /// <summary>min(max(x, 0), 6)</summary>
    Relu6,
    /// <summary>x · sigmoid(x), also called Swish</summary>
    Silu,
    /// <summary>x · tanh(softplus(x))</summary>
    Mish,
    /// <summary>x · Φ(x), by erf</summary>
    Gelu,
    /// <summary>GELU by its tanh approximation</summary>
    GeluTanh,
    /// <summary>x · sigmoid(1.702 x)</summary>
    QuickGelu,
    /// <summary>1 / (1 + e^-x)</summary>
    Sigmoid,
    /// <summary>relu6(x + 3) / 6</summary>
    HardSigmoid,
    /// <summary>x · relu6(x + 3) / 6</summary>
    HardSwish,
    /// <summary>x / 2 · min(max(x + 2, 0), 2)</summary>
    HardMish,
    /// <summary>hyperbolic tangent</summary>
    Tanh,
    /// <summary>x where positive, else Alpha · x</summary>
    LeakyRelu,
    /// <summary>x where positive, else Alpha · (e^x - 1)</summary>
    Elu,
    /// <summary>scaled ELU with the constants of its paper</summary>
    Selu,
    /// <summary>log(1 + e^x)</summary>
    Softplus,
    /// <summary>e^x</summary>
    Exp,
    /// <summary>natural logarithm</summary>
    Log,
    /// <summary>-x</summary>
    Negate,
    /// <summary>|x|</summary>
    Abs,
    /// <summary>square root</summary>
    Sqrt,
    /// <summary>1 / sqrt(x)</summary>
    Rsqrt,
    /// <summary>1 / x</summary>
    Reciprocal,
    /// <summary>x²</summary>
    Square,
    /// <summary>Alpha · x + Beta</summary>
    Affine,
    /// <summary>min(max(x, Alpha), Beta)</summary>
    Clamp,
    /// <summary>sine</summary>
    Sin,
    /// <summary>cosine</summary>
    Cos,
}

/// <summary>A function of each element. <see cref="Alpha"/> and <see cref="Beta"/> are used where the kind's formula names them.</summary>
internal sealed record UnaryOp(UnaryKind Kind, float Alpha = 0, float Beta = 0) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(Enum.IsDefined(Kind), $"there is no function called {Kind}.");
        return inputs[0].Shape;
    }
}

/// <summary>Functions of two values.</summary>
public enum BinaryKind
{
    /// <summary>a + b</summary>
    Add,
    /// <summary>a - b</summary>
    Subtract,
    /// <summary>a · b</summary>
    Multiply,
    /// <summary>a / b</summary>
    Divide,
    /// <summary>the larger</summary>
    Max,
    /// <summary>the smaller</summary>
    Min,
}

/// <summary>A function of two tensors element by element, with NumPy broadcasting over the non-batch dimensions.</summary>
internal sealed record BinaryOp(BinaryKind Kind) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Require(Enum.IsDefined(Kind), $"there is no function of two values called {Kind}.");
        return Shape.Broadcast(inputs[0].Shape, inputs[1].Shape);
    }
}

/// <summary>x where positive, else slope · x with one slope <c>[C]</c> per channel of axis 0 (or one for all).</summary>
internal sealed record PReluOp : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape, w = inputs[1].Shape;
        Require(x.Rank >= 1, $"expected channels first, received {x}.");
        Require(w.Rank == 1 && (w[0] == 1 || w[0] == x[0]), $"expected one slope or {x[0]}, received {w}.");
        return x;
    }
}

/// <summary>Activations with PyTorch's default constants.</summary>
internal static class Activations
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
