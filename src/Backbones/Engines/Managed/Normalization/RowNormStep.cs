using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>What a row is divided by.</summary>
internal enum RowNorm
{
    /// <summary>The mean is subtracted; standard deviation.</summary>
    Layer,
    /// <summary>Root of the mean square.</summary>
    Rms,
    /// <summary>Standard deviation with denominator n - 1; the mean stays.</summary>
    Deviation,
}

/// <summary>Normalises each row of contiguous values (tokens, or pixels of a channels-last map) and applies scale and shift per column.</summary>
internal sealed unsafe class RowNormStep<T>(RowNorm kind, float eps, ValueView input, AlignedBuffer scale, AlignedBuffer shift, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly LoopNest _loops = new(result, input);

    public override void Execute(RunContext context) => context.Share(this, 0, _loops.RowsPerItem * context.Batch, 4 * _loops.Columns);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        float* source = context.Address(input), target = context.Address(result);
        for (long row = first; row < end;)
        {
            long count = Math.Min(_loops.InnerRows - row % _loops.InnerRows, end - row);
            float* x = source + _loops.Offset(1, row), y = target + _loops.Offset(0, row);
            for (long r = 0; r < count; r++)
            {
                Normalise(x, y, _loops.Columns);
                x += _loops.InnerRowStride(1);
                y += _loops.InnerRowStride(0);
            }
            row += count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Normalise(float* x, float* y, nint count)
    {
        // Two passes over a row in the first-level cache: the sum of squared deviations loses nothing where the mean is large.
        float mean = kind == RowNorm.Rms ? 0 : RowMath<T>.Sum(x, count) / count;
        float squares = RowMath<T>.SquaredDeviations(x, count, mean);
        float factor = 1 / MathF.Sqrt(squares / (kind == RowNorm.Deviation ? count - 1 : count) + eps);
        T f = T.Create(factor), m = T.Create(kind == RowNorm.Layer ? mean : 0);
        float* a = scale.Pointer, b = shift.Pointer;
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count)
            T.Store(T.MultiplyAdd((T.Load(x + i) - m) * f, T.Load(a + i), T.Load(b + i)), y + i);
        if (i < count)
            T.StoreFirst(T.MultiplyAdd((T.LoadFirst(x + i, count - i) - m) * f, T.Load(a + i), T.Load(b + i)), y + i, count - i);
    }
}
