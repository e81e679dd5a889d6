using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>Which map of a pyramid a box is cut from, by the rule of the feature pyramid paper (torchvision's <c>LevelMapper</c>), and the maps' scales.</summary>
/// <param name="Finest">-log2 of the first map's scale.</param>
/// <param name="Coarsest">-log2 of the last map's scale.</param>
/// <param name="Pooler">Canonical scale and level.</param>
internal readonly record struct LevelMapping(int Finest, int Coarsest, MultiScaleRoIAlign Pooler)
{
    private const float Epsilon = 1e-6f;

    /// <summary>Fills in the scale of each map, a power of two, and gives the mapping.</summary>
    /// <param name="maps">Sizes of the maps.</param>
    /// <param name="image">Largest height and width of the batch's images, before padding.</param>
    /// <param name="pooler">Canonical scale and level.</param>
    /// <param name="scales">One for each map.</param>
    public static LevelMapping Of(ReadOnlySpan<Size2> maps, Size2 image, MultiScaleRoIAlign pooler, Span<float> scales)
    {
        // The height tells, as with torchvision, where width and height do not say the same.
        for (int i = 0; i < maps.Length; i++)
            scales[i] = MathF.Pow(2, MathF.Round(MathF.Log2((float)((double)maps[i].H / image.H))));
        return new((int)-MathF.Log2(scales[0]), (int)-MathF.Log2(scales[maps.Length - 1]), pooler);
    }

    /// <summary>Number of the map for a box; below 0 for a box whose size is no number.</summary>
    public int LevelOf(Box box)
    {
        if (Coarsest == Finest)
            return 0;
        float level = MathF.Floor(Pooler.CanonicalLevel + MathF.Log2(MathF.Sqrt(box.Area) / Pooler.CanonicalScale) + Epsilon);
        return float.IsNaN(level) ? -1 : (int)Math.Clamp(level, Finest, Coarsest) - Finest;
    }
}
