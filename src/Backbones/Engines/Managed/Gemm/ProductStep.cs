namespace Backbones.Engines.Managed;

/// <summary>How the rows and columns of a product are split into pieces that run in parallel.</summary>
internal readonly record struct ProductGrid(int RowsPerPiece, int RowPieces, int PanelsPerPiece, int PanelPieces)
{
    /// <summary>Bytes of weights that a piece may walk through for each block of rows: half of a usual second-level cache.</summary>
    private const long WeightBytes = 512 * 1024;

    /// <summary>Most rows of a piece: their K block stays in the second-level cache with a panel of weights.</summary>
    public const int MostRows = 192;

    private const int MinRows = 48;
    private const int PiecesPerThread = 4;

    /// <summary>Chooses pieces: enough for all threads to finish together, few enough rows for the second-level cache, and whole weights where they fit.</summary>
    public static ProductGrid Of(long rows, int k, int panels, int panelWidth, int groups, int threads)
    {
        int panelsPerPiece = (int)Math.Clamp(WeightBytes / ((long)k * panelWidth * sizeof(float)), 1, panels);
        int wanted = threads == 1 ? 1 : threads * PiecesPerThread;
        int rowPieces = (int)Math.Max(1, (rows + MostRows - 1) / MostRows);
        int panelPieces = (panels + panelsPerPiece - 1) / panelsPerPiece;
        if ((long)rowPieces * panelPieces * groups < wanted)
            rowPieces = (int)Math.Max(rowPieces, Math.Min((wanted + panelPieces * groups - 1) / (panelPieces * groups), rows / MinRows));
        if ((long)rowPieces * panelPieces * groups < wanted)
            panelPieces = Math.Max(panelPieces, Math.Min(panels, (wanted + rowPieces * groups - 1) / (rowPieces * groups)));
        panelsPerPiece = (panels + panelPieces - 1) / panelPieces;
        int rowsPerPiece = (int)((rows + rowPieces - 1) / rowPieces);
        if (rowPieces > 1)
            rowsPerPiece = (rowsPerPiece + 5) / 6 * 6;
        return new(rowsPerPiece, (int)((rows + rowsPerPiece - 1) / rowsPerPiece), panelsPerPiece, (panels + panelsPerPiece - 1) / panelsPerPiece);
    }
}

/// <summary>
/// result = epilogue(rows · weights + bias): the matrix product under linear layers and convolutions. A piece is a block of rows
/// by a range of weight panels; inside it K is cut into blocks whose panel stays in the second-level cache while the rows pass.
/// </summary>
internal abstract unsafe class ProductStep<T>(PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue) : Step where T : struct, IVector<T>
{
    /// <summary>Longest stretch of K between stores of the accumulators.</summary>
    protected const int MaxBlockK = 384;

    private readonly RowLayout _result = result.Rows() ?? throw new ArgumentException("The rows of the result must be equally far apart.", nameof(result));

    protected PackedMatrix<T> Weights { get; } = weights;

    /// <summary>K values between stores of the accumulators.</summary>
    protected int BlockK { get; } = (weights.K + (weights.K + MaxBlockK - 1) / MaxBlockK - 1) / ((weights.K + MaxBlockK - 1) / MaxBlockK);

    public override long MultiplyAdds => _result.Count * Weights.K * Weights.Columns * Weights.Groups;

    public override void Execute(RunContext context)
    {
        ProductGrid grid = Grid(context);
        context.Share(this, 0, grid.RowPieces * grid.PanelPieces * Weights.Groups);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        ProductGrid grid = Grid(context);
        int group = index / (grid.RowPieces * grid.PanelPieces);
        int panelPiece = index / grid.RowPieces % grid.PanelPieces;
        long firstRow = (long)(index % grid.RowPieces) * grid.RowsPerPiece;
        int rows = (int)Math.Min(grid.RowsPerPiece, _result.Count * context.Batch - firstRow);
        int firstPanel = panelPiece * grid.PanelsPerPiece, endPanel = Math.Min(firstPanel + grid.PanelsPerPiece, Weights.Panels);

        float* target = context.Address(result) + firstRow * _result.Distance + group * Weights.Columns;
        TileArguments args = default;
        args.Ldc = (nint)_result.Distance;
        for (int k = 0; k < Weights.K; k += BlockK)
        {
            args.K = Math.Min(BlockK, Weights.K - k);
            args.Accumulate = k > 0;
            bool last = k + args.K == Weights.K;
            float* a = Rows(context, worker, group, firstRow, rows, k, (int)args.K, out args.Lda);
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                args.B = Weights.Panel(group, panel, k);
                args.Bias = Weights.Bias(group, panel);
                args.LastLanes = Weights.LastLanes(panel);
                float* panelTarget = target + panel * GemmTile<T>.Width;
                if (last)
                    epilogue.Prepare(context, ref args, firstRow, group * Weights.Columns + panel * GemmTile<T>.Width);
                GemmTile<T>.RunPanel(&args, a, panelTarget, rows, Weights.Vectors(panel));
                if (last)
                    epilogue.Finish(panelTarget, rows, (Weights.Vectors(panel) - 1) * T.Count + (int)args.LastLanes, args.Ldc);
            }
        }
    }

    /// <summary>
    /// Gives <paramref name="rows"/> rows of the left matrix for K values from <paramref name="k"/> on: in place, or copied to the worker's scratch.
    /// </summary>
    protected abstract float* Rows(RunContext context, int worker, int group, long firstRow, int rows, int k, int length, out nint distance);

    private ProductGrid Grid(RunContext context)
        => ProductGrid.Of(_result.Count * context.Batch, Weights.K, Weights.Panels, GemmTile<T>.Width, Weights.Groups, context.Pool.Threads);
}
