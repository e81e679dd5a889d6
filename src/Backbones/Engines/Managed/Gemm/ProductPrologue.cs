using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// What a product's rows go through before it: x · scale + shift by column, then an activation. A piece does that itself, a block of K of its rows into scratch in the second-level cache: channel attention's
/// gates and the batch normalisations in front of 1×1 convolutions neither write nor read the map once more, and no thread waits for another between.
/// </summary>
internal sealed unsafe class ProductPrologue<T> where T : struct, IVector<T>
{
    /// <summary>Columns of the product up to which it pays: a piece has them all then, and no row goes through it twice.</summary>
    public const int MostColumns = 320;

    private readonly ValueView _scale;
    private readonly ValueView? _shift;
    private readonly UnaryOp? _activation;
    private readonly float _low;
    private readonly float _high;

    /// <param name="scale">A factor for each column, contiguous: of every image its own, or constants.</param>
    /// <param name="shift">Constants, or null.</param>
    /// <param name="activation">Applied behind them; null for none.</param>
    public ProductPrologue(ValueView scale, ValueView? shift, UnaryOp? activation)
    {
        (_scale, _shift) = (scale, shift);
        if (ChannelBounds.OfAll(activation) is var (low, high))
            (_low, _high) = (low, high);
        else
            (_low, _high, _activation) = (float.NegativeInfinity, float.PositiveInfinity, activation);
    }

    /// <summary>Where the factors lie.</summary>
    public ValueView Scale => _scale;

    /// <param name="context">The run.</param>
    /// <param name="source">Column <paramref name="k"/> of the first row, rows at <paramref name="distance"/>.</param>
    /// <param name="distance">Floats from row to row.</param>
    /// <param name="firstRow">Number of the first row in the batch.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="rowsPerItem">Rows of an image.</param>
    /// <param name="k">The first column.</param>
    /// <param name="length">Columns.</param>
    /// <param name="target">Room for whole vectors, rows at <paramref name="targetDistance"/>.</param>
    /// <param name="targetDistance">Floats from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(RunContext context, float* source, nint distance, long firstRow, int rows, long rowsPerItem, int k, nint length, float* target, nint targetDistance)
    {
        float* scales = context.Address(_scale) + k, shift = _shift is null ? null : context.Address(_shift) + k, first = target;
        T low = T.Create(_low), high = T.Create(_high);
        for (int row = 0; row < rows; row++)
        {
            float* scale = scales + (firstRow + row) / rowsPerItem * _scale.ItemStride;
            nint i = 0;
            for (; i <= length - T.Count; i += T.Count)
                T.Store(T.Min(high, T.Max(low, T.MultiplyAdd(T.Load(source + i), T.Load(scale + i), shift == null ? T.Zero : T.Load(shift + i)))), target + i);
            if (i < length)
            {
                nint lanes = length - i;
                T.Store(T.Min(high, T.Max(low, T.MultiplyAdd(T.LoadFirst(source + i, lanes), T.LoadFirst(scale + i, lanes), shift == null ? T.Zero : T.LoadFirst(shift + i, lanes)))), target + i);
            }
            source += distance;
            target += targetDistance;
        }
        if (_activation is not null)
            ActivationKernel<T>.Run(_activation, first, targetDistance, first, targetDistance, rows, (int)length);
    }
}
