using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Backbones.Engines.Managed;

/// <summary>
/// 3×3 convolutions with stride 1 by Winograd's filtering. For a block of tiles and a strip of output channels the products of all positions are made, transformed back and stored, without leaving the
/// second-level cache. Where the weights are few, a piece is a block of tiles with all its work: its inputs are transformed into the worker's scratch, and no thread waits for another between. Many weights
/// are read by one thread for all tiles: then the map is worked on in bands, whose inputs are transformed first (by all threads), and a piece is a block of tiles for one strip.
/// </summary>
internal sealed unsafe class WinogradStep<T, TTile> : Step where T : struct, IVector<T> where TTile : struct, IWinogradTile<T>
{
    /// <summary>Floats of transformed input in a band: 2 MB.</summary>
    private const long BandFloats = 512 * 1024;

    /// <summary>Floats of transformed inputs and products in a piece that has all the work of its tiles: 512 KB.</summary>
    private const long PieceFloats = 128 * 1024;

    /// <summary>Floats of weights up to which every thread reads them all.</summary>
    private const long FewWeights = 1024 * 1024;

    /// <summary>Fewest tiles of such a piece: with fewer, weights come from the third-level cache slower than they are used.</summary>
    private const int LeastTiles = 12;

    /// <summary>Most tiles of a block: their products of one strip (36 positions) take up to 442 KB.</summary>
    private const int MostBlockTiles = 48;

    /// <summary>Columns whose products a block has at a time: one panel of 16 lanes. With narrower panels, of which each reads all inputs of the block, it is several.</summary>
    private const int StripColumns = 64;

    private readonly ConvolutionGeometry _geometry;
    private readonly ValueView _input;
    private readonly ValueView _result;
    private readonly PackedMatrix<T> _weights;
    private readonly AlignedBuffer? _bias;
    private readonly ProductEpilogue<T> _epilogue;
    private readonly MapTiles _tiles;
    private readonly nint _rowDistance;

    /// <param name="geometry">3×3, stride 1, dilation 1, one group.</param>
    /// <param name="input">Channels-last map.</param>
    /// <param name="weights">What <see cref="Pack"/> made: one group per position.</param>
    /// <param name="bias">Padded to whole vectors; null for none.</param>
    /// <param name="result">Channels-last map.</param>
    /// <param name="epilogue">Residual and activation.</param>
    public WinogradStep(ConvolutionGeometry geometry, ValueView input, PackedMatrix<T> weights, AlignedBuffer? bias, ValueView result, ProductEpilogue<T> epilogue)
    {
        (_geometry, _input, _weights, _bias, _result, _epilogue) = (geometry, input, weights, bias, result, epilogue);
        _tiles = new MapTiles(geometry, TTile.Outputs);
        _rowDistance = (geometry.Channels + T.Count - 1) / T.Count * T.Count;
    }

    /// <summary>Has .NET compile the transformations, 5 ms each, for which a plan's first run would wait.</summary>
    private static void Prepare(int part)
    {
        string name = part == 0 ? nameof(TransformOutput) : nameof(TransformInput);
        // Compiled ahead of time there may be no such name, and nothing to do.
        if (typeof(WinogradStep<T, TTile>).GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic) is { } method)
            RuntimeHelpers.PrepareMethod(method.MethodHandle, [typeof(T).TypeHandle, typeof(TTile).TypeHandle]);
    }

    private static int Positions => TTile.Inputs * TTile.Inputs;

    /// <summary>Transforms filters [O, C, 3, 3] and packs them, one group for each position.</summary>
    public static PackedMatrix<T> Pack(RowScaled filters, int outChannels, int channels, NativeArena? arena, Packing packing)
    {
        packing.For(2, Prepare);
        var packed = new PackedMatrix<T>(channels, outChannels, Positions, arena);
        // A vector of output channels at a time: each is a cache line at every position, written to once.
        packing.For((outChannels + T.Count - 1) / T.Count, block => PackVector(filters, channels, packed, block * T.Count, Math.Min(T.Count, outChannels - block * T.Count)));
        return packed;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackVector(RowScaled filters, int channels, PackedMatrix<T> packed, int first, int count)
    {
        int n = TTile.Inputs;
        nint positionDistance = (nint)(packed.Column(1, first, out _) - packed.Column(0, first, out _));
        float* row = packed.Column(0, first, out nint rowDistance);
        float* scratch = stackalloc float[FilterTaps<T>.Floats];
        var taps = new FilterTaps<T>(filters, channels, first, count, scratch);
        Span<Vector256<double>> half = stackalloc Vector256<double>[3 * n], line = stackalloc Vector256<double>[n];
        float* factors = stackalloc float[Positions * T.Count];
        for (int c = 0; c < channels; c++, row += rowDistance)
        {
            taps.Read(c);
            for (int lane = 0; lane < T.Count; lane += 4)
            {
                for (int x = 0; x < 3; x++)
                    TTile.TransformFilter(taps.Load(x, lane), taps.Load(3 + x, lane), taps.Load(6 + x, lane), half.Slice(x * n, n));
                for (int y = 0; y < n; y++)
                {
                    TTile.TransformFilter(half[y], half[n + y], half[2 * n + y], line);
                    for (int x = 0; x < n; x++)
                        Vector128.Narrow(line[x].GetLower(), line[x].GetUpper()).Store(factors + (y * n + x) * T.Count + lane);
                }
            }
            for (int position = 0; position < Positions; position++)
                T.Store(T.Load(factors + position * T.Count), row + position * positionDistance);
        }
    }

    public override long MultiplyAdds => (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.OutChannels * _geometry.Channels * 9;

    public override long SharedScratch(int batch) => IsWhole ? 0 : Positions * PositionDistance(Math.Min(BandTiles, (long)batch * _tiles.PerItem));

    public override long WorkerScratch => ProductScratch + InputScratch + _weights.RowScratch(_weights.K);

    /// <summary>Whether a piece has all the work of its tiles.</summary>
    private bool IsWhole => (long)Positions * _weights.K * _weights.Columns <= FewWeights;

    /// <summary>The products of a block and a strip at all positions, and two tiles.</summary>
    private static long ProductScratch => (long)Positions * (MostBlockTiles * StripColumns + 2 * T.Count);

    /// <summary>Transformed inputs of a piece that has all the work of its tiles.</summary>
    private long InputScratch => IsWhole ? Positions * PositionDistance(MostTiles) : 0;

    private static int StripPanels => StripColumns / GemmTile<T>.Width;

    private int Strips => (_weights.Panels + StripPanels - 1) / StripPanels;

    private long MostTiles => Math.Clamp(PieceFloats / (Positions * (_rowDistance + _weights.Vectors(0) * T.Count)), LeastTiles, MostBlockTiles);

    private long BandTiles => Math.Max(MostBlockTiles, BandFloats / (Positions * _rowDistance));

    // One line more than the rows need: positions a power of two apart would share the same few lines of the first-level cache.
    private long PositionDistance(long tiles) => tiles * _rowDistance + 16;

    public override void Execute(RunContext context)
    {
        long tiles = (long)_tiles.PerItem * context.Batch;
        if (IsWhole)
        {
            context.Share(this, 0, WholePieces(context));
            return;
        }
        for (int band = 0; band * BandTiles < tiles; band++)
        {
            long bandTiles = Math.Min(BandTiles, tiles - band * BandTiles);
            context.Share(this, 2 * band, bandTiles, Positions * _rowDistance);
            context.Share(this, 2 * band + 1, Blocks(bandTiles, context.Pool.Threads) * Strips);
        }
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        if (IsWhole)
        {
            RunWhole(context, index, worker);
            return;
        }
        long firstTile = phase / 2 * BandTiles, tiles = Math.Min(BandTiles, (long)_tiles.PerItem * context.Batch - firstTile);
        int blocks = Blocks(tiles, context.Pool.Threads);
        int* order = stackalloc int[MostBlockTiles];
        if (phase % 2 == 0)
        {
            (long first, long end) = context.Units(index);
            for (int block = 0; block < blocks; block++)
            {
                (long blockStart, long blockEnd) = Pieces.Range(tiles, blocks, block);
                if (blockStart >= end || blockEnd <= first)
                    continue;
                _tiles.Sort(firstTile + blockStart, (int)(blockEnd - blockStart), order);
                for (long i = Math.Max(first, blockStart); i < Math.Min(end, blockEnd); i++)
                    TransformInput(context, worker, firstTile + blockStart + order[i - blockStart], context.SharedScratch + i * _rowDistance, (nint)PositionDistance(tiles));
            }
        }
        else
        {
            // Neighbouring pieces use the same weights: they come from memory once for all threads.
            int strip = index / blocks;
            (long first, long end) = Pieces.Range(tiles, blocks, index % blocks);
            SortedTiles sorted = _tiles.Sort(firstTile + first, (int)(end - first), order);
            Convolve(context, worker, strip, context.SharedScratch + first * _rowDistance, (nint)PositionDistance(tiles), firstTile + first, order, sorted);
        }
    }

    private int WholePieces(RunContext context)
    {
        long tiles = (long)_tiles.PerItem * context.Batch, pieces = (tiles + MostTiles - 1) / MostTiles;
        int threads = context.Pool.Threads;
        return (int)(threads > 1 ? Math.Max(pieces, Math.Min(4 * threads, tiles / LeastTiles)) : pieces);
    }

    private void RunWhole(RunContext context, int index, int worker)
    {
        (long first, long end) = Pieces.Range((long)_tiles.PerItem * context.Batch, WholePieces(context), index);
        int tiles = (int)(end - first);
        nint distance = (nint)PositionDistance(tiles);
        float* inputs = context.WorkerScratch(worker) + ProductScratch;
        int* order = stackalloc int[MostBlockTiles];
        SortedTiles sorted = _tiles.Sort(first, tiles, order);
        for (int i = 0; i < tiles; i++)
            TransformInput(context, worker, first + order[i], inputs + i * _rowDistance, distance);
        for (int strip = 0; strip < Strips; strip++)
            Convolve(context, worker, strip, inputs, distance, first, order, sorted);
    }

    /// <summary>A strip's results of a block of tiles whose inputs have been transformed, in that order.</summary>
    private void Convolve(RunContext context, int worker, int strip, float* inputs, nint positionDistance, long firstTile, int* order, SortedTiles sorted)
    {
        Multiply(context, worker, strip, inputs, sorted, positionDistance);
        for (int i = 0; i < sorted.All; i++)
            TransformOutput(context, worker, strip, firstTile + order[i], i, sorted.All);
    }

    private int Blocks(long tiles, int threads)
    {
        long blocks = (tiles + MostBlockTiles - 1) / MostBlockTiles;
        if (threads > 1 && blocks * Strips < 4 * threads)
            blocks = Math.Max(blocks, Math.Min((4 * threads + Strips - 1) / Strips, tiles / 12));
        return (int)blocks;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformInput(RunContext context, int worker, long tile, float* target, nint positionDistance)
    {
        int n = TTile.Inputs;
        (long item, int top, int left, int rows, int columns) = _tiles.Place(tile);
        (top, left) = (top - _geometry.Top, left - _geometry.Left);
        nint line = (nint)_input.Strides[1], pixel = (nint)_input.Strides[2];
        float* source = context.Address(_input) + item * _input.ItemStride + top * line + left * pixel;
        bool inside = top >= 0 && left >= 0 && top + rows + 2 <= _geometry.Height && left + columns + 2 <= _geometry.Width;
        float* half = context.WorkerScratch(worker), border = half + Positions * T.Count;
        for (nint c = 0; c < _geometry.Channels; c += T.Count)
        {
            float* from = source + c;
            nint fromLine = line, fromPixel = pixel;
            if (!inside)
            {
                CopyWithBorder(from, top, left, rows + 2, columns + 2, border);
                from = border;
                (fromLine, fromPixel) = (n * T.Count, T.Count);
            }
            for (int x = 0; x < columns + 2; x++)
                TTile.TransformInput(rows, from + x * fromPixel, fromLine, half + x * T.Count, n * T.Count);
            for (int y = 0; y < rows + 2; y++)
                TTile.TransformInput(columns, half + y * n * T.Count, T.Count, target + y * n * positionDistance + c, positionDistance);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyWithBorder(float* source, int top, int left, int height, int width, float* target)
    {
        nint line = (nint)_input.Strides[1], pixel = (nint)_input.Strides[2];
        for (int y = 0; y < height; y++, target += TTile.Inputs * T.Count)
        {
            for (int x = 0; x < width; x++)
            {
                bool inside = (uint)(top + y) < (uint)_geometry.Height && (uint)(left + x) < (uint)_geometry.Width;
                T.Store(inside ? T.Load(source + y * line + x * pixel) : T.Zero, target + x * T.Count);
            }
        }
    }

    /// <summary>Vectors of a strip.</summary>
    private int Vectors(int strip) => Math.Min(StripColumns, (_geometry.OutChannels + T.Count - 1) / T.Count * T.Count - strip * StripColumns) / T.Count;

    /// <summary>Products of all positions for a block of tiles and a strip, to the worker's scratch: [position][tile][column].</summary>
    private void Multiply(RunContext context, int worker, int strip, float* source, SortedTiles tiles, nint positionDistance)
    {
        int firstPanel = strip * StripPanels, endPanel = Math.Min(firstPanel + StripPanels, _weights.Panels), width = Vectors(strip) * T.Count;
        nint start = 0;
        TileArguments args = default;
        args.RunOffsets = &start;
        args.Runs = 1;
        args.Lda = _rowDistance;
        args.Ldc = width;
        args.K = _weights.K;
        args.LastLanes = T.Count;
        float* target = context.WorkerScratch(worker);
        for (int position = 0; position < Positions; position++)
        {
            (int y, int x) = Math.DivRem(position, TTile.Inputs);
            (int first, int count) = tiles.Needing(y >= _tiles.LastRows + 2, x >= _tiles.LastColumns + 2);
            if (count > 0)
            {
                for (int panel = firstPanel; panel < endPanel; panel++)
                {
                    args.B = _weights.Rows(position, panel, 0, _weights.K, context.WorkerScratch(worker) + ProductScratch + InputScratch);
                    GemmTile<T>.RunPanel(&args, source + first * _rowDistance, target + first * width + (panel - firstPanel) * GemmTile<T>.Width, count, _weights.Vectors(panel));
                }
            }
            source += positionDistance;
            target += tiles.All * width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformOutput(RunContext context, int worker, int strip, long tile, int tileInBlock, int blockTiles)
    {
        int n = TTile.Inputs, m = TTile.Outputs;
        int vectors = Vectors(strip), width = vectors * T.Count, firstColumn = strip * StripColumns;
        float* scratch = context.WorkerScratch(worker);
        float* half = scratch + (long)Positions * MostBlockTiles * StripColumns, full = half + n * m * T.Count;
        nint positionDistance = (nint)blockTiles * width;

        (long item, int top, int left, int rows, int columns) = _tiles.Place(tile);
        nint line = (nint)_result.Strides[1], pixel = (nint)_result.Strides[2];
        float* target = context.Address(_result) + item * _result.ItemStride + top * line + left * pixel + firstColumn;
        long row = item * _geometry.OutHeight * _geometry.OutWidth + (long)top * _geometry.OutWidth + left;
        for (int v = 0; v < vectors; v++)
        {
            float* products = scratch + tileInBlock * width + v * T.Count;
            for (int x = 0; x < columns + 2; x++)
                TTile.TransformOutput(rows, products + x * positionDistance, n * positionDistance, half + x * T.Count, n * T.Count);
            for (int y = 0; y < rows; y++)
                TTile.TransformOutput(columns, half + y * n * T.Count, T.Count, full + y * m * T.Count, T.Count);
            T bias = _bias is null ? T.Zero : T.Load(_bias.Pointer + firstColumn + v * T.Count);
            int lanes = Math.Min(T.Count, _geometry.OutChannels - firstColumn - v * T.Count);
            for (int y = 0; y < rows; y++)
            {
                _epilogue.Store(context, full + y * m * T.Count, bias, target + y * line + v * T.Count, pixel, columns, lanes,
                    row + y * _geometry.OutWidth, firstColumn + v * T.Count);
            }
        }
    }
}
