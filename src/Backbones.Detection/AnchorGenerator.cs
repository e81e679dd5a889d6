using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// The boxes that a detector begins with: at each pixel of each map one for every size and aspect ratio (torchvision's <c>AnchorGenerator</c>).
/// </summary>
public sealed class AnchorGenerator : IAnchors
{
    /// <summary>Makes a generator.</summary>
    /// <param name="sizes">For each map the sides of a square anchor, in pixels of the resized image.</param>
    /// <param name="aspectRatios">For each map height over width; one list counts for all maps.</param>
    /// <exception cref="ArgumentException">There are no sizes, or not as many lists of ratios, a value is not positive, or an anchor is infinite.</exception>
    public AnchorGenerator(IReadOnlyList<IReadOnlyList<float>> sizes, IReadOnlyList<IReadOnlyList<float>> aspectRatios)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentNullException.ThrowIfNull(aspectRatios);
        if (sizes.Count == 0 || (aspectRatios.Count != sizes.Count && aspectRatios.Count != 1))
            throw new ArgumentException($"Anchors need a list of sizes for every map and as many lists of ratios, or one; received {sizes.Count} of sizes and {aspectRatios.Count} of ratios.", nameof(aspectRatios));
        if (sizes.Concat(aspectRatios).Any(list => list is null || list.Count == 0 || list.Any(v => !(v > 0) || !float.IsFinite(v))))
            throw new ArgumentException("Every map needs sizes and ratios, all of them positive numbers.", nameof(sizes));
        Sizes = [.. sizes.Select(s => s.ToImmutableArray())];
        AspectRatios = [.. Enumerable.Range(0, sizes.Count).Select(i => aspectRatios[aspectRatios.Count == 1 ? 0 : i].ToImmutableArray())];
        CellAnchors = [.. Sizes.Zip(AspectRatios, Cells)];
        if (CellAnchors.Any(cells => cells.Any(c => !float.IsFinite(c.X2) || !float.IsFinite(c.Y2))))
            throw new ArgumentException("A size with a ratio makes anchors of infinite sides; give sizes in pixels, and ratios such as 0.5, 1 and 2.", nameof(sizes));
    }

    /// <summary>For each map the sizes.</summary>
    public ImmutableArray<ImmutableArray<float>> Sizes { get; }

    /// <summary>For each map the ratios.</summary>
    public ImmutableArray<ImmutableArray<float>> AspectRatios { get; }

    /// <summary>For each map the anchors around (0, 0), whole pixels: all sizes of the first ratio, then of the next.</summary>
    public ImmutableArray<ImmutableArray<Box>> CellAnchors { get; }

    /// <summary>The anchors of all maps, map by map, row by row, pixel by pixel.</summary>
    /// <param name="imageSize">Size of the padded batch.</param>
    /// <param name="maps">Size of each map.</param>
    /// <exception cref="ArgumentException">There are not as many maps as lists of sizes, a size is less than 1, or no array holds the anchors of a map.</exception>
    public IReadOnlyList<Box[]> Generate(Size2 imageSize, IReadOnlyList<Size2> maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        return [.. ((IAnchors)this).Grids(imageSize, maps).Select(g => g.ToArray())];
    }

    AnchorGrid[] IAnchors.Grids(Size2 imageSize, IReadOnlyList<Size2> maps)
    {
        if (maps.Count != CellAnchors.Length)
            throw new ArgumentException($"The anchors are for {CellAnchors.Length} maps, the network has {maps.Count}: give a list of sizes for each map.", nameof(maps));
        AnchorGrid.RequireSizes(imageSize, maps);
        return [.. maps.Select((m, i) => new CellGrid(CellAnchors[i], m, imageSize.H / m.H, imageSize.W / m.W))];
    }

    /// <summary>In float32, and rounded to even, as torchvision does it.</summary>
    private static ImmutableArray<Box> Cells(ImmutableArray<float> sizes, ImmutableArray<float> ratios)
    {
        var cells = ImmutableArray.CreateBuilder<Box>(sizes.Length * ratios.Length);
        foreach (float ratio in ratios)
        {
            float h = MathF.Sqrt(ratio), w = 1 / h;
            foreach (float size in sizes)
                cells.Add(new(MathF.Round(-(w * size) / 2), MathF.Round(-(h * size) / 2), MathF.Round(w * size / 2), MathF.Round(h * size / 2)));
        }
        return cells.MoveToImmutable();
    }

    /// <summary>The anchors of one map.</summary>
    /// <param name="cells">Anchors around (0, 0).</param>
    /// <param name="map">Size of the map.</param>
    /// <param name="strideY">Pixels of the image from a row to the next.</param>
    /// <param name="strideX">Pixels of the image from a column to the next.</param>
    private sealed class CellGrid(ImmutableArray<Box> cells, Size2 map, int strideY, int strideX) : AnchorGrid(map, cells.Length)
    {
        private protected override Box At(int row, int column, int cell)
        {
            float x = column * strideX, y = row * strideY;
            Box anchor = cells[cell];
            return new(x + anchor.X1, y + anchor.Y1, x + anchor.X2, y + anchor.Y2);
        }
    }
}
