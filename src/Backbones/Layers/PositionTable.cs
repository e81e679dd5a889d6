using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Tables that are made while a graph is built, with a place for each pair of positions: they grow with the fourth power of an image's side, and every block has its own.</summary>
internal static class PositionTable
{
    /// <summary>5792 tokens with each other: an image of 1200 pixels in patches of 16. In memory 128 MB.</summary>
    private const int MostPairs = 1 << 25;

    /// <summary>Masks of windows grow with the map, as values do.</summary>
    private const int MostOfWindows = 1 << 28;

    /// <summary>How many places a table for so many queries and keys has.</summary>
    /// <exception cref="GraphException">It would take more memory than a graph may.</exception>
    public static int Length(long queries, long keys, int each = 1) => Checked((UInt128)queries * (UInt128)keys * (UInt128)each, MostPairs, $"{queries} positions with {keys}");

    /// <summary>How many places a table has for all pairs in each of so many windows.</summary>
    /// <exception cref="GraphException">It would take more memory than a graph may.</exception>
    public static int OfWindows(long windows, int area) => Checked((UInt128)windows * (UInt128)area * (UInt128)area, MostOfWindows, $"{windows} windows of {area} positions");

    private static int Checked(UInt128 places, int most, string of) => places <= (UInt128)most ? (int)places
        : throw new GraphException($"a table for {of} has {places} places; at most {most} are made. Choose a smaller image or smaller windows.");
}
