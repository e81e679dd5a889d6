using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>How values between pixels are found.</summary>
public enum ResizeMode
{
    /// <summary>floor(i · in/out) with the scale in/out rounded to float32, PyTorch's 'nearest'</summary>
    Nearest,
    /// <summary>triangle filter</summary>
    Bilinear,
    /// <summary>Keys' cubic, a = -0.75 (with antialiasing: -0.5, as PyTorch)</summary>
    Bicubic,
}

/// <summary>Interpolates the last two dimensions to H × W as PyTorch's <c>interpolate</c>.</summary>
internal sealed record ResizeOp(int H, int W, ResizeMode Mode, bool AlignCorners = false, bool Antialias = false) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 2, $"expected […, H, W], received {x}.");
        return x.With(x.Rank - 2, H).With(x.Rank - 1, W);
    }
}
