namespace Backbones.Engines.Managed;

/// <summary>
/// result = epilogue(rows · weights + bias), the rows of the input read in place: linear layers and 1×1 convolutions. A piece is a block of rows
/// by a range of weight panels; inside it K is cut into blocks whose panel stays in the second-level cache while the rows pass.
/// </summary>
/// <param name="input">Rows.</param>
/// <param name="weights">Weights and bias.</param>
/// <param name="result">Rows.</param>
/// <param name="epilogue">Residual and activation.</param>
/// <param name="prologue">What the rows go through before; null for nothing.</param>
internal sealed unsafe class ProductStep<T>(ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue, ProductPrologue<T>? prologue = null) : Step where T : struct, IVector<T>
{
    private readonly RowLayout _rows = input.Rows() ?? throw new ArgumentException("The rows of the input must be equally far apart.", nameof(input));
    private readonly RowLayout _result = result.Rows() ?? throw new ArgumentException("The rows of the result must be equally far apart.", nameof(result));

    // Blocks of equal length: a short last one would load and store the accumulators for little.
    private readonly int _blockK = Even(weights.K, (weights.K + ProductGrid.MaxBlockK - 1) / ProductGrid.MaxBlockK);

    // That of the last batch size: a step's runs are mostly of one.
    private ProductGrid? _grid;

    public override long MultiplyAdds => _result.Count * weights.K * weights.Columns;

    public override long WorkerScratch => weights.RowScratch(_blockK) + (prologue is null ? 0 : ProductGrid.MostRows * ScratchDistance);

    /// <summary>Floats from row to row of what the prologue makes.</summary>
    private long ScratchDistance => (_blockK + T.Count - 1) / T.Count * T.Count;

    public override void Execute(RunContext context)
    {
        context.Share(this, 0, Grid(context).Count);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (_, (long firstRow, long endRow), (int firstPanel, int endPanel)) = Grid(context).Piece(index);
        int rows = (int)(endRow - firstRow);

        float* source = context.Address(input) + firstRow * _rows.Distance, target = context.Address(result) + firstRow * _result.Distance;
        float* scratch = context.WorkerScratch(worker), prepared = scratch + weights.RowScratch(_blockK);
        nint start = 0;
        TileArguments args = default;
        args.Lda = (nint)(prologue is null ? _rows.Distance : ScratchDistance);
        args.Ldc = (nint)_result.Distance;
        args.RunOffsets = &start;
        args.Runs = 1;
        for (int k = 0; k < weights.K; k += _blockK)
        {
            args.K = Math.Min(_blockK, weights.K - k);
            args.StartDistance = k > 0 ? args.Ldc : 0;
            prologue?.Run(context, source + k, (nint)_rows.Distance, firstRow, rows, _result.Count, k, args.K, prepared, args.Lda);
            bool last = k + args.K == weights.K;
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                int column = panel * GemmTile<T>.Width;
                args.B = weights.Rows(0, panel, k, args.K, scratch);
                args.Start = k > 0 ? target + column : weights.Bias(0, panel);
                args.LastLanes = weights.LastLanes(panel);
                if (last)
                    epilogue.Prepare(context, ref args, firstRow, column);
                GemmTile<T>.RunPanel(&args, prologue is null ? source + k : prepared, target + column, rows, weights.Vectors(panel), last ? epilogue.Activation : null);
            }
        }
    }

    private ProductGrid Grid(RunContext context)
    {
        long rows = _result.Count * context.Batch;
        // Behind a prologue all panels stay together: what counts for the cache is a block of K.
        return _grid is { } grid && grid.Units == rows ? grid : _grid = ProductGrid.Of(rows, 1, prologue is null ? weights.K : _blockK, weights.Panels, GemmTile<T>.Width, 1, context.Pool.Threads);
    }

    private static int Even(int length, int parts) => (length + parts - 1) / parts;
}
