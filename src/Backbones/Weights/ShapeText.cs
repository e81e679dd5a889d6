using System.Collections.Immutable;

namespace Backbones.Weights;

/// <summary>Shapes in messages: <c>[64, 3, 7, 7]</c>.</summary>
internal static class ShapeText
{
    public static string Of(ImmutableArray<int> shape) => "[" + string.Join(", ", shape) + "]";
}
