namespace Backbones.Engines.Managed;

/// <summary>
/// How a product is split into pieces that run in parallel: ranges of rows by ranges of weight panels, of equal size as nearly as possible. Of the splits that keep a piece in the second-level cache, the one
/// after which the threads are done soonest: 28 lines of 28 pixels in seven pieces of four lines kept two threads an eighth longer than four pieces of seven do.
/// </summary>
internal sealed class ProductGrid
{
    /// <summary>Longest stretch of K between stores of the accumulators: a panel of it, 96 KB, stays in the second-level cache.</summary>
    public const int MaxBlockK = 384;

    /// <summary>Most rows of a piece: their K block stays in the second-level cache with a panel of weights.</summary>
    public const int MostRows = 192;

    /// <summary>Fewest rows of a piece that are worth reading its weights for.</summary>
    private const int LeastRows = 24;

    /// <summary>Bytes of weights that a piece may walk through for each block of rows: half of a usual second-level cache.</summary>
    private const long WeightBytes = 512 * 1024;

    /// <summary>What a tile and a piece take besides their sums, in steps of K of a tile.</summary>
    private const int TileOverhead = 12;
    private const int PieceOverhead = 60;

    /// <summary>How much later the threads may be done with pieces that leave each of them more than one, so that one which the system puts aside does not keep the others.</summary>
    private const double SparePieces = 1.03;

    private readonly int _panels;
    private readonly int _threads;

    private ProductGrid(long units, int panels, int groups, int threads, int rowPieces, int panelPieces)
        => (Units, _panels, _threads, RowPieces, PanelPieces, Count) = (units, panels, threads, rowPieces, panelPieces, rowPieces * panelPieces * groups);

    /// <summary>Rows, or lines, that are split.</summary>
    public long Units { get; }

    /// <summary>Pieces of all groups.</summary>
    public int Count { get; }

    private int RowPieces { get; }

    private int PanelPieces { get; }

    /// <summary>Chooses the pieces.</summary>
    /// <param name="units">Rows, or lines of pixels, which stay together.</param>
    /// <param name="unitRows">Rows of a unit.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="panels">Panels of weights.</param>
    /// <param name="panelWidth">Columns of a panel.</param>
    /// <param name="groups">Products of this size side by side.</param>
    /// <param name="threads">Threads.</param>
    public static ProductGrid Of(long units, int unitRows, int k, int panels, int panelWidth, int groups, int threads)
    {
        long rows = units * unitRows;
        int mostPanels = (int)Math.Clamp(WeightBytes / ((long)k * panelWidth * sizeof(float)), 1, panels);
        int leastRowPieces = (int)Math.Max(1, (rows + MostRows - 1) / MostRows), leastPanelPieces = (panels + mostPanels - 1) / mostPanels;
        leastRowPieces = (int)Math.Min(leastRowPieces, units);
        if (threads == 1)
            return new(units, panels, groups, threads, leastRowPieces, leastPanelPieces);

        int mostRowPieces = (int)Math.Clamp(Math.Min(rows / LeastRows, units), leastRowPieces, leastRowPieces + 4L * threads);
        int mostPanelPieces = Math.Min(panels, leastPanelPieces + 4 * threads);
        (int Rows, int Panels) best = (leastRowPieces, leastPanelPieces);
        double least = double.PositiveInfinity;
        for (int rowPieces = leastRowPieces; rowPieces <= mostRowPieces; rowPieces++)
        {
            for (int panelPieces = leastPanelPieces; panelPieces <= mostPanelPieces; panelPieces++)
            {
                long pieces = (long)rowPieces * panelPieces * groups, rounds = (pieces + threads - 1) / threads;
                double time = rounds * (PieceOverhead + Tiles((units + rowPieces - 1) / rowPieces) * ((panels + panelPieces - 1) / panelPieces) * (k + TileOverhead));
                time *= pieces < 2 * threads ? SparePieces : 1;
                if (time < least)
                    (least, best) = (time, (rowPieces, panelPieces));
            }
        }
        return new(units, panels, groups, threads, best.Rows, best.Panels);

        double Tiles(long count) => unitRows == 1 ? (count + 5) / 6 : count * ((unitRows + 5) / 6);
    }

    /// <summary>Group, units and panels of a piece.</summary>
    public (int Group, (long First, long End) Units, (int First, int End) Panels) Piece(int index)
    {
        (int row, int column) = Pieces.Place(RowPieces, Count / RowPieces, _threads, index);
        int panel = column % PanelPieces;
        return (column / PanelPieces, Pieces.Range(Units, RowPieces, row), ((int)((long)_panels * panel / PanelPieces), (int)((long)_panels * (panel + 1) / PanelPieces)));
    }
}
