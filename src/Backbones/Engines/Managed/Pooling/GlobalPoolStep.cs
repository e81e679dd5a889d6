using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>Mean, sum or maximum of each column over all rows of an item: global pooling of a channels-last map, or of tokens.</summary>
internal sealed unsafe class GlobalPoolStep<T>(ReduceKind kind, RowLayout rows, ValueView input, ValueView result) : Step where T : struct, IVector<T>
{
    /// <summary>Columns of a piece: four vectors keep the adders busy, and a row's piece is whole cache lines.</summary>
    private static int Width => 4 * T.Count;

    private readonly int _blocks = (rows.Columns + Width - 1) / Width;

    public override void Execute(RunContext context)
        => context.Share(this, 0, Pieces.Count((long)_blocks * context.Batch, rows.Count * Width, context.Pool.Threads));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        long all = (long)_blocks * context.Batch;
        (long first, long end) = Pieces.Range(all, Pieces.Count(all, rows.Count * Width, context.Pool.Threads), index);
        for (long i = first; i < end; i++)
        {
            long item = i / _blocks;
            int column = (int)(i % _blocks) * Width;
            float* source = context.Address(input) + item * input.ItemStride + column;
            float* target = context.Address(result) + item * result.ItemStride + column;
            Reduce(source, target, Math.Min(Width, rows.Columns - column));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Reduce(float* source, float* target, int columns)
    {
        bool max = kind == ReduceKind.Max;
        nint distance = (nint)rows.Distance;
        T scale = T.Create(kind == ReduceKind.Mean ? 1f / rows.Count : 1f);
        for (nint c = 0; c < columns; c += T.Count)
        {
            // Two halves: shorter chains and smaller sums, so less rounding.
            float* p = source + c;
            T a = T.Load(p), b = max ? a : T.Zero;
            long row = 1;
            for (; row + 1 < rows.Count; row += 2)
            {
                T x = T.Load(p + row * distance), y = T.Load(p + (row + 1) * distance);
                a = max ? T.Max(a, x) : a + x;
                b = max ? T.Max(b, y) : b + y;
            }
            if (row < rows.Count)
                a = max ? T.Max(a, T.Load(p + row * distance)) : a + T.Load(p + row * distance);
            a = max ? T.Max(a, b) : (a + b) * scale;
            nint left = columns - c;
            if (left >= T.Count)
                T.Store(a, target + c);
            else
                T.StoreFirst(a, target + c, left);
        }
    }
}
