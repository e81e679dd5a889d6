using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// The boxes that SSD begins with (torchvision's <c>DefaultBoxGenerator</c>): at each pixel of a map two squares, and for every aspect ratio a box that is wide and one that is high.
/// Their sizes are parts of the image's, so an image twice as large has boxes twice as large.
/// </summary>
public sealed class DefaultBoxGenerator : IAnchors
{
    private readonly ImmutableArray<ImmutableArray<(float W, float H)>> _sizes;

    /// <summary>Makes a generator.</summary>
    /// <param name="aspectRatios">For each map, from fine to coarse, how many times longer one side is than the other; may be empty.</param>
    /// <param name="minRatio">Scale of the finest map's boxes; counts where <paramref name="scales"/> are not given.</param>
    /// <param name="maxRatio">Scale of the coarsest map's boxes, with even steps between.</param>
    /// <param name="scales">For each map the side of its square as a part of the image's, and one more behind the last; null for those that follow from the ratios.</param>
    /// <param name="steps">For each map the pixels of the image from one box to the next; null for the image's size over the map's.</param>
    /// <param name="clip">Whether no box is larger than the image.</param>
    /// <exception cref="ArgumentException">There are no maps, not as many scales or steps as maps need, a value is not positive, or a box is infinite or empty.</exception>
    public DefaultBoxGenerator(IReadOnlyList<IReadOnlyList<double>> aspectRatios, double minRatio = 0.15, double maxRatio = 0.9, IReadOnlyList<double>? scales = null, IReadOnlyList<int>? steps = null,
        bool clip = true)
    {
        ArgumentNullException.ThrowIfNull(aspectRatios);
        int maps = aspectRatios.Count;
        if (maps == 0 || aspectRatios.Any(ratios => ratios is null || !ratios.All(IsPositive)))
            throw new ArgumentException("Default boxes need a list of aspect ratios for every map, and ratios are positive numbers.", nameof(aspectRatios));
        Scales = [.. scales ?? EvenScales(maps, minRatio, maxRatio)];
        if (Scales.Length != maps + 1 || !Scales.All(IsPositive))
            throw new ArgumentException($"{maps} maps need {maps + 1} scales, one for each and one more, all of them positive; received {string.Join(", ", Scales.Select(s => $"{s}"))}.", scales is null ? nameof(minRatio) : nameof(scales));
        if (steps is not null && (steps.Count != maps || steps.Any(s => s < 1)))
            throw new ArgumentException($"{maps} maps need as many steps, each 1 pixel or more; received {string.Join(", ", steps.Select(s => $"{s}"))}.", nameof(steps));
        AspectRatios = [.. aspectRatios.Select(ratios => ratios.ToImmutableArray())];
        Steps = steps?.ToImmutableArray();
        Clip = clip;
        _sizes = [.. AspectRatios.Select(SizesOf)];
        if (_sizes.Any(map => map.Any(s => !IsPositive(s.W) || !IsPositive(s.H))))
            throw new ArgumentException("A scale with a ratio makes boxes of no width or height, or of infinite ones; scales are parts of the image such as 0.15, ratios numbers such as 2.", nameof(aspectRatios));
    }

    /// <summary>For each map the ratios.</summary>
    public ImmutableArray<ImmutableArray<double>> AspectRatios { get; }

    /// <summary>For each map the scale, and one more.</summary>
    public ImmutableArray<double> Scales { get; }

    /// <summary>For each map the pixels of the image from one box to the next; null where they follow from the map's size.</summary>
    public ImmutableArray<int>? Steps { get; }

    /// <summary>Whether no box is larger than the image.</summary>
    public bool Clip { get; }

    /// <summary>The boxes of all maps, map by map, row by row, pixel by pixel.</summary>
    /// <param name="imageSize">Size of the image as the network gets it.</param>
    /// <param name="maps">Size of each map.</param>
    /// <exception cref="ArgumentException">There are not as many maps as lists of ratios, a size is less than 1, or no array holds the boxes of a map.</exception>
    public IReadOnlyList<Box[]> Generate(Size2 imageSize, IReadOnlyList<Size2> maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        return [.. ((IAnchors)this).Grids(imageSize, maps).Select(g => g.ToArray())];
    }

    AnchorGrid[] IAnchors.Grids(Size2 imageSize, IReadOnlyList<Size2> maps)
    {
        PerPixel(maps.Count);
        AnchorGrid.RequireSizes(imageSize, maps);
        return [.. maps.Select((map, i) => new BoxGrid(_sizes[i], map, imageSize, Steps is { } steps ? ((float)((double)imageSize.W / steps[i]), (float)((double)imageSize.H / steps[i])) : (map.W, map.H)))];
    }

    /// <summary>For each map the number of boxes of a pixel.</summary>
    /// <exception cref="ArgumentException">There are not as many maps.</exception>
    internal ImmutableArray<int> PerPixel(int maps) => maps == _sizes.Length ? [.. _sizes.Select(s => s.Length)]
        : throw new ArgumentException($"The default boxes are for {_sizes.Length} maps, the network has {maps}: give a list of aspect ratios for each map.", nameof(maps));

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    private static IEnumerable<double> EvenScales(int maps, double first, double last)
        => maps == 1 ? [first, last] : [.. Enumerable.Range(0, maps).Select(i => first + (last - first) * i / (maps - 1.0)), 1];

    /// <summary>A square of the map's scale, one of the mean of its and the next map's, then the boxes of each ratio; in double, as torchvision does it, then cut and rounded.</summary>
    private ImmutableArray<(float W, float H)> SizesOf(ImmutableArray<double> ratios, int map)
    {
        double scale = Scales[map], between = Math.Sqrt(scale * Scales[map + 1]);
        var sizes = new List<(double W, double H)> { (scale, scale), (between, between) };
        foreach (double root in ratios.Select(Math.Sqrt))
            sizes.AddRange([(scale * root, scale / root), (scale / root, scale * root)]);
        return [.. sizes.Select(s => (Part(s.W), Part(s.H)))];

        float Part(double side) => Clip ? MathF.Min((float)side, 1) : (float)side;
    }

    /// <summary>The boxes of one map: in parts of the image, then in its pixels.</summary>
    /// <param name="sizes">Sizes of a pixel's boxes.</param>
    /// <param name="map">Size of the map.</param>
    /// <param name="image">Size of the image.</param>
    /// <param name="across">Pixels of the map that are as wide, and as high, as the image.</param>
    private sealed class BoxGrid(ImmutableArray<(float W, float H)> sizes, Size2 map, Size2 image, (float X, float Y) across) : AnchorGrid(map, sizes.Length)
    {
        private protected override Box At(int row, int column, int cell)
        {
            float x = (column + 0.5f) / across.X, y = (row + 0.5f) / across.Y;
            float halfWidth = 0.5f * sizes[cell].W, halfHeight = 0.5f * sizes[cell].H;
            return new((x - halfWidth) * image.W, (y - halfHeight) * image.H, (x + halfWidth) * image.W, (y + halfHeight) * image.H);
        }
    }
}
