using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>How boxes are cut from a pyramid: each from the map that fits its size (torchvision's <c>MultiScaleRoIAlign</c>).</summary>
/// <param name="OutputSize">Height and width of what is cut, 1 to 64.</param>
/// <param name="SamplingRatio">Points a side that are averaged for one value; at most 64; 0 or less for as many as there are pixels.</param>
public sealed record MultiScaleRoIAlign(Size2 OutputSize, int SamplingRatio = 2)
{
    /// <summary>Names of the maps; those that the network does not have are left out.</summary>
    public ImmutableArray<string> FeatmapNames { get; init; } = ["0", "1", "2", "3"];

    /// <summary>Side of a box, in pixels of the resized image, that is cut from the map of <see cref="CanonicalLevel"/>.</summary>
    public int CanonicalScale { get; init; } = 224;

    /// <summary>log2 of the stride of the map for boxes of <see cref="CanonicalScale"/>.</summary>
    public int CanonicalLevel { get; init; } = 4;
}
