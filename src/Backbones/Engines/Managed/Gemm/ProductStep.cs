namespace Backbones.Engines.Managed;

/// <summary>
/// result = epilogue(rows · weights + bias), the rows of the input read in place: linear layers and 1×1 convolutions. A piece is a block of rows
/// by a range of weight panels; inside it K is cut into blocks whose panel stays in the second-level cache while the rows pass.
/// </summary>
internal sealed unsafe class ProductStep<T>(ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue) : Step where T : struct, IVector<T>
{
    private readonly RowLayout _rows = input.Rows() ?? throw new ArgumentException("The rows of the input must be equally far apart.", nameof(input));
    private readonly RowLayout _result = result.Rows() ?? throw new ArgumentException("The rows of the result must be equally far apart.", nameof(result));

    // Blocks of equal length: a short last one would load and store the accumulators for little.
    private readonly int _blockK = Even(weights.K, (weights.K + ProductGrid.MaxBlockK - 1) / ProductGrid.MaxBlockK);

    public override long MultiplyAdds => _result.Count * weights.K * weights.Columns;

    public override long WorkerScratch(int threads) => weights.RowScratch(_blockK);

    public override void Execute(RunContext context)
    {
        ProductGrid grid = Grid(context);
        context.Share(this, 0, grid.RowPieces * grid.PanelPieces);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        ProductGrid grid = Grid(context);
        (int rowPiece, int panelPiece) = Pieces.Place(grid.RowPieces, grid.PanelPieces, context.Pool.Threads, index);
        long firstRow = (long)rowPiece * grid.RowsPerPiece;
        int rows = (int)Math.Min(grid.RowsPerPiece, _result.Count * context.Batch - firstRow);
        int firstPanel = panelPiece * grid.PanelsPerPiece, endPanel = Math.Min(firstPanel + grid.PanelsPerPiece, weights.Panels);

        float* source = context.Address(input) + firstRow * _rows.Distance, target = context.Address(result) + firstRow * _result.Distance;
        nint start = 0;
        TileArguments args = default;
        args.Lda = (nint)_rows.Distance;
        args.Ldc = (nint)_result.Distance;
        args.RunOffsets = &start;
        args.Runs = 1;
        for (int k = 0; k < weights.K; k += _blockK)
        {
            args.K = Math.Min(_blockK, weights.K - k);
            args.Accumulate = k > 0;
            bool last = k + args.K == weights.K;
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                int column = panel * GemmTile<T>.Width;
                args.B = weights.Rows(0, panel, k, args.K, context.WorkerScratch(worker));
                args.Bias = weights.Bias(0, panel);
                args.LastLanes = weights.LastLanes(panel);
                if (last)
                    epilogue.Prepare(context, ref args, firstRow, column);
                GemmTile<T>.RunPanel(&args, source + k, target + column, rows, weights.Vectors(panel), last ? epilogue.Activation : null);
            }
        }
    }

    private ProductGrid Grid(RunContext context)
        => ProductGrid.Of(_result.Count * context.Batch, GemmTile<T>.Rows, weights.K, weights.Panels, GemmTile<T>.Width, 1, context.Pool.Threads);

    private static int Even(int length, int parts) => (length + parts - 1) / parts;
}
