namespace Backbones.Engines.Managed;

/// <summary>How the rows and columns of a product are split into pieces that run in parallel.</summary>
internal readonly record struct ProductGrid(int RowsPerPiece, int RowPieces, int PanelsPerPiece, int PanelPieces)
{
    /// <summary>Longest stretch of K between stores of the accumulators: a panel of it, 96 KB, stays in the second-level cache.</summary>
    public const int MaxBlockK = 384;

    /// <summary>Most rows of a piece: their K block stays in the second-level cache with a panel of weights.</summary>
    private const int MostRows = 192;

    private const int LeastRows = 48;

    /// <summary>Bytes of weights that a piece may walk through for each block of rows: half of a usual second-level cache.</summary>
    private const long WeightBytes = 512 * 1024;

    private const int PiecesPerThread = 4;

    /// <summary>Chooses pieces: enough for all threads to finish together, few enough rows for the second-level cache, and whole weights where they fit.</summary>
    /// <param name="rows">Rows of the product.</param>
    /// <param name="unit">Rows that stay together: a tile, or a line of pixels.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="panels">Panels of weights.</param>
    /// <param name="panelWidth">Columns of a panel.</param>
    /// <param name="groups">Products of this size side by side.</param>
    /// <param name="threads">Threads.</param>
    public static ProductGrid Of(long rows, int unit, int k, int panels, int panelWidth, int groups, int threads)
    {
        int panelsPerPiece = (int)Math.Clamp(WeightBytes / ((long)k * panelWidth * sizeof(float)), 1, panels);
        int wanted = threads == 1 ? 1 : threads * PiecesPerThread;
        int rowPieces = (int)Math.Max(1, (rows + MostRows - 1) / MostRows);
        int panelPieces = (panels + panelsPerPiece - 1) / panelsPerPiece;
        if ((long)rowPieces * panelPieces * groups < wanted)
            rowPieces = (int)Math.Max(rowPieces, Math.Min((wanted + panelPieces * groups - 1) / (panelPieces * groups), rows / LeastRows));
        if ((long)rowPieces * panelPieces * groups < wanted)
            panelPieces = Math.Max(panelPieces, Math.Min(panels, (wanted + rowPieces * groups - 1) / (rowPieces * groups)));
        panelsPerPiece = (panels + panelPieces - 1) / panelPieces;
        int rowsPerPiece = (int)((rows + rowPieces - 1) / rowPieces);
        if (rowPieces > 1)
            rowsPerPiece = (rowsPerPiece + unit - 1) / unit * unit;
        return new(rowsPerPiece, (int)((rows + rowsPerPiece - 1) / rowsPerPiece), panelsPerPiece, (panels + panelsPerPiece - 1) / panelsPerPiece);
    }
}
