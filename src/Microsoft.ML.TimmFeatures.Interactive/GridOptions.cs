using System.Collections.Immutable;

namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>How a picture grid looks.</summary>
public sealed record GridOptions
{
    /// <summary>Which channels; default: the first <see cref="MaxChannels"/>.</summary>
    public ImmutableArray<int> Channels { get; init; }

    /// <summary>Number of channels where none are named.</summary>
    public int MaxChannels { get; init; } = 16;

    /// <summary>Cells in a row; 0 for about as many as there are rows.</summary>
    public int Columns { get; init; }

    /// <summary>Pixels along the longer side of a cell.</summary>
    public int CellSize { get; init; } = 64;

    /// <summary>White pixels between cells.</summary>
    public int Gap { get; init; } = 2;

    /// <summary>One range of colours for all cells, so that they can be compared; else each cell uses the whole range.</summary>
    public bool SharedRange { get; init; }

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxChannels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(CellSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Gap);
    }
}
