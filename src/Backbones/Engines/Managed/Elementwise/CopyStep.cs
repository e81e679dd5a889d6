using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>Copies a view to another of the same dimensions and any order in memory.</summary>
internal sealed unsafe class CopyStep<T> : Step where T : struct, IVector<T>
{
    private const int Tile = 16;

    private readonly ValueView _source;
    private readonly ValueView _target;
    private readonly LoopNest _loops;

    public CopyStep(ValueView source, ValueView target)
    {
        _source = source;
        _target = target;
        _loops = new LoopNest(target, source);
    }

    // Blocks of rows, so that a transposition reads and writes whole cache lines.
    private long Blocks(int batch) => (_loops.RowsPerItem + Tile - 1) / Tile * batch;

    public override void Execute(RunContext context)
        => context.Share(this, 0, Pieces.Count(Blocks(context.Batch), (long)_loops.Columns * Tile, context.Pool.Threads));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        long blocks = Blocks(context.Batch), perItem = blocks / context.Batch;
        int pieces = Pieces.Count(blocks, (long)_loops.Columns * Tile, context.Pool.Threads);
        (long first, long end) = Pieces.Range(blocks, pieces, index);
        float* source = context.Address(_source), target = context.Address(_target);
        for (long block = first; block < end; block++)
        {
            long row = block / perItem * _loops.RowsPerItem + block % perItem * Tile;
            int rows = (int)Math.Min(Tile, _loops.RowsPerItem - block % perItem * Tile);
            CopyRows(source, target, row, rows);
        }
    }

    private void CopyRows(float* source, float* target, long row, int rows)
    {
        nint stride = (nint)_loops.ColumnStrides[1], targetStride = (nint)_loops.ColumnStrides[0];
        if (stride == 1 && targetStride == 1)
        {
            for (int r = 0; r < rows; r++)
                Copy(source + _loops.Offset(1, row + r), target + _loops.Offset(0, row + r), _loops.Columns);
            return;
        }
        float** from = stackalloc float*[Tile];
        float** to = stackalloc float*[Tile];
        for (int r = 0; r < rows; r++)
        {
            from[r] = source + _loops.Offset(1, row + r);
            to[r] = target + _loops.Offset(0, row + r);
        }
        for (nint c0 = 0; c0 < _loops.Columns; c0 += Tile)
        {
            nint c1 = Math.Min(c0 + Tile, _loops.Columns);
            for (int r = 0; r < rows; r++)
            {
                float* f = from[r], t = to[r];
                for (nint c = c0; c < c1; c++)
                    t[c * targetStride] = f[c * stride];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, float* target, nint count)
    {
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count)
            T.Store(T.Load(source + i), target + i);
        if (i < count)
            T.StoreFirst(T.LoadFirst(source + i, count - i), target + i, count - i);
    }
}
