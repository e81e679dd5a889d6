namespace Backbones.Engines.Managed;

/// <summary>The tiles of a batch's output maps, line by line and item by item. Those at the lower and right edge may have fewer rows and columns than the others, and need fewer products then.</summary>
internal sealed unsafe class MapTiles(ConvolutionGeometry geometry, int outputs)
{
    private readonly int _across = (geometry.OutWidth + outputs - 1) / outputs;
    private readonly int _down = (geometry.OutHeight + outputs - 1) / outputs;

    /// <summary>Rows of the tiles at the lower edge.</summary>
    public int LastRows { get; } = (geometry.OutHeight - 1) % outputs + 1;

    /// <summary>Columns of the tiles at the right edge.</summary>
    public int LastColumns { get; } = (geometry.OutWidth - 1) % outputs + 1;

    /// <summary>Tiles of a map.</summary>
    public int PerItem => _across * _down;

    /// <summary>Where a tile is: its item, the first row and column of its outputs, and how many there are.</summary>
    public (long Item, int Top, int Left, int Rows, int Columns) Place(long tile)
    {
        (long item, long inItem) = Math.DivRem(tile, PerItem);
        (int y, int x) = Math.DivRem((int)inItem, _across);
        return (item, y * outputs, x * outputs, y == _down - 1 ? LastRows : outputs, x == _across - 1 ? LastColumns : outputs);
    }

    /// <summary>Sorts neighbouring tiles so that those which need a product are neighbours too: with fewer rows, whole ones, with fewer columns, with fewer of both.</summary>
    /// <param name="first">The first tile.</param>
    /// <param name="count">How many.</param>
    /// <param name="order">Becomes their numbers from the first on.</param>
    public SortedTiles Sort(long first, int count, int* order)
    {
        int* ends = stackalloc int[4];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int i = 0; i < count; i++)
            {
                (_, _, _, int rows, int columns) = Place(first + i);
                int kind = columns == outputs ? rows == outputs ? 1 : 0 : rows == outputs ? 2 : 3;
                if (pass == 1)
                    order[ends[kind]++] = i;
                else if (kind < 3)
                    ends[kind + 1]++;
            }
            for (int kind = 1; kind < 4 && pass == 0; kind++)
                ends[kind] += ends[kind - 1];
        }
        return new SortedTiles(ends[0], ends[1], ends[2], count);
    }
}

/// <summary>Where the kinds of sorted tiles end.</summary>
internal readonly record struct SortedTiles(int FewRows, int Whole, int FewColumns, int All)
{
    /// <summary>The tiles that need a product: all, or those with all rows, with all columns, or with both.</summary>
    public (int First, int Count) Needing(bool allRows, bool allColumns)
    {
        int first = allRows ? FewRows : 0;
        return (first, (allColumns ? Whole : allRows ? FewColumns : All) - first);
    }
}
