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

    // That of the last batch size: a step's runs are mostly of one.
    private ProductGrid? _grid;

    public override long MultiplyAdds => _result.Count * weights.K * weights.Columns;

    public override long WorkerScratch(int threads) => weights.RowScratch(_blockK);

    public override void Execute(RunContext context)
    {
        context.Share(this, 0, Grid(context).Count);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (_, (long firstRow, long endRow), (int firstPanel, int endPanel)) = Grid(context).Piece(index);
        int rows = (int)(endRow - firstRow);

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
            args.StartDistance = k > 0 ? args.Ldc : 0;
            bool last = k + args.K == weights.K;
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                int column = panel * GemmTile<T>.Width;
                args.B = weights.Rows(0, panel, k, args.K, context.WorkerScratch(worker));
                args.Start = k > 0 ? target + column : weights.Bias(0, panel);
                args.LastLanes = weights.LastLanes(panel);
                if (last)
                    epilogue.Prepare(context, ref args, firstRow, column);
                GemmTile<T>.RunPanel(&args, source + k, target + column, rows, weights.Vectors(panel), last ? epilogue.Activation : null);
            }
        }
    }

    private ProductGrid Grid(RunContext context)
    {
        long rows = _result.Count * context.Batch;
        return _grid is { } grid && grid.Units == rows ? grid : _grid = ProductGrid.Of(rows, 1, weights.K, weights.Panels, GemmTile<T>.Width, 1, context.Pool.Threads);
    }

    private static int Even(int length, int parts) => (length + parts - 1) / parts;
}
