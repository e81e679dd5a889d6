using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>Where the boxes of a detector begin.</summary>
internal interface IAnchors
{
    /// <summary>The anchors of each map, made when they are asked for.</summary>
    /// <param name="imageSize">Size of the padded batch.</param>
    /// <param name="maps">Size of each map.</param>
    /// <exception cref="ArgumentException">There are anchors for another number of maps.</exception>
    AnchorGrid[] Grids(Size2 imageSize, IReadOnlyList<Size2> maps);
}

/// <summary>The anchors of one map.</summary>
/// <param name="map">Size of the map.</param>
/// <param name="perPixel">Anchors of a pixel.</param>
internal abstract class AnchorGrid(Size2 map, int perPixel)
{
    /// <summary>Number of anchors.</summary>
    public int Count { get; } = (long)map.H * map.W <= Array.MaxLength / perPixel ? map.H * map.W * perPixel
        : throw new ArgumentException($"A map of {map} with {perPixel} anchors for each pixel has more than {Array.MaxLength} of them.", nameof(map));

    /// <summary>Makes sure that there are an image and maps.</summary>
    /// <exception cref="ArgumentException">A side is less than 1.</exception>
    public static void RequireSizes(Size2 imageSize, IReadOnlyList<Size2> maps)
    {
        foreach (Size2 size in maps.Prepend(imageSize))
        {
            if (size.H < 1 || size.W < 1)
                throw new ArgumentException($"Anchors need images and maps of 1×1 or more; received an image of {imageSize} and maps of {string.Join(", ", maps)}.", nameof(maps));
        }
    }

    /// <summary>Anchor by number: row, then column, then one of the pixel's.</summary>
    public Box this[int index]
    {
        get
        {
            (int pixel, int cell) = Math.DivRem(index, perPixel);
            (int row, int column) = Math.DivRem(pixel, map.W);
            return At(row, column, cell);
        }
    }

    /// <summary>All of them.</summary>
    public Box[] ToArray() => [.. Enumerable.Range(0, Count).Select(i => this[i])];

    private protected abstract Box At(int row, int column, int cell);
}
