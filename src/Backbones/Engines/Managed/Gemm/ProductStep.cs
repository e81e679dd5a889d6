using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// result = epilogue(rows · weights + bias), the rows of the input read in place: linear layers and 1×1 convolutions. A piece is a block of rows
/// by a range of weight panels; inside it K is cut into blocks whose panel stays in the second-level cache while the rows pass.
/// </summary>
/// <remarks>
/// Channel attention multiplies a map's channels by an image's gates before its 1×1 convolution. The weights' rows are multiplied by them instead, panel by panel for each image, where they are few beside
/// the map: that is neither written nor read once more, and no thread waits for another between.
/// </remarks>
/// <param name="input">Rows.</param>
/// <param name="weights">Weights and bias.</param>
/// <param name="result">Rows.</param>
/// <param name="epilogue">Residual and activation.</param>
/// <param name="gates">A factor for each column of an image's rows, contiguous; null for none.</param>
internal sealed unsafe class ProductStep<T>(ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue, ValueView? gates = null) : Step where T : struct, IVector<T>
{
    /// <summary>Most columns for which gates are multiplied into the weights, and fewest rows of an image: a panel's takes as long as 2.5 of its rows, the map's as long as five columns.</summary>
    public const int MostGatedColumns = 128;
    public const int LeastGatedRows = 96;

    private readonly RowLayout _rows = input.Rows() ?? throw new ArgumentException("The rows of the input must be equally far apart.", nameof(input));
    private readonly RowLayout _result = result.Rows() ?? throw new ArgumentException("The rows of the result must be equally far apart.", nameof(result));

    // Blocks of equal length: a short last one would load and store the accumulators for little.
    private readonly int _blockK = Even(weights.K, (weights.K + ProductGrid.MaxBlockK - 1) / ProductGrid.MaxBlockK);

    // That of the last batch size: a step's runs are mostly of one.
    private ProductGrid? _grid;

    public override long MultiplyAdds => _result.Count * weights.K * weights.Columns;

    public override long WorkerScratch(int threads) => weights.RowScratch(_blockK) + (gates is null ? 0 : (long)_blockK * GemmTile<T>.Width);

    public override void Execute(RunContext context)
    {
        context.Share(this, 0, Grid(context).Count);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (_, (long firstRow, long endRow), (int firstPanel, int endPanel)) = Grid(context).Piece(index);
        float* source = context.Address(input), target = context.Address(result), scratch = context.WorkerScratch(worker), gated = scratch + weights.RowScratch(_blockK);
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
                int column = panel * GemmTile<T>.Width, vectors = weights.Vectors(panel);
                float* b = weights.Rows(0, panel, k, args.K, scratch);
                args.B = b;
                args.LastLanes = weights.LastLanes(panel);
                for (long row = firstRow, end; row < endRow; row = end)
                {
                    end = endRow;
                    if (gates is not null)
                    {
                        long item = row / _result.Count;
                        end = Math.Min(end, (item + 1) * _result.Count);
                        Gate(context.Address(gates) + item * gates.ItemStride + k, b, args.K, vectors * T.Count, gated);
                        args.B = gated;
                    }
                    float* c = target + row * _result.Distance + column;
                    args.Start = k > 0 ? c : weights.Bias(0, panel);
                    if (last)
                        epilogue.Prepare(context, ref args, row, column);
                    GemmTile<T>.RunPanel(&args, source + row * _rows.Distance + k, c, (int)(end - row), vectors, last ? epilogue.Activation : null);
                }
            }
        }
    }

    /// <summary>Weights of a panel with their rows multiplied by gates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gate(float* gates, float* weights, nint rows, nint width, float* target)
    {
        for (nint row = 0; row < rows; row++)
        {
            T gate = T.Create(gates[row]);
            for (nint i = 0; i < width; i += T.Count)
                T.Store(gate * T.Load(weights + i), target + i);
            weights += width;
            target += width;
        }
    }

    private ProductGrid Grid(RunContext context)
    {
        long rows = _result.Count * context.Batch;
        return _grid is { } grid && grid.Units == rows ? grid : _grid = ProductGrid.Of(rows, 1, weights.K, weights.Panels, GemmTile<T>.Width, 1, context.Pool.Threads);
    }

    private static int Even(int length, int parts) => (length + parts - 1) / parts;
}
