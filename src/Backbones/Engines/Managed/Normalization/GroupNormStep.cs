using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Normalises groups of channels over the rows of an item (pixels, channels last). Each piece takes one group of one item; groups narrower than
/// a vector are walked value by value.
/// </summary>
internal sealed unsafe class GroupNormStep<T>(int groups, float eps, ValueView input, AlignedBuffer scale, AlignedBuffer shift, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly RowLayout _from = input.Rows() ?? throw new ArgumentException("The rows must be equally far apart.", nameof(input));
    private readonly RowLayout _to = result.Rows() ?? throw new ArgumentException("The rows must be equally far apart.", nameof(result));

    public override void Execute(RunContext context) => context.Share(this, 0, groups * context.Batch);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        int item = index / groups, columns = _from.Columns / groups, first = index % groups * columns;
        float* source = context.Address(input) + item * input.ItemStride + first, target = context.Address(result) + item * result.ItemStride + first;
        double sum = 0, squares = 0;
        for (long row = 0; row < _from.Count; row++)
            sum += RowMath<T>.Sum(source + row * _from.Distance, columns);
        float mean = (float)(sum / (_from.Count * columns));
        for (long row = 0; row < _from.Count; row++)
            squares += RowMath<T>.SquaredDeviations(source + row * _from.Distance, columns, mean);
        float factor = (float)(1 / Math.Sqrt(squares / (_from.Count * columns) + eps));

        float* a = scale.Pointer + first, b = shift.Pointer + first;
        T f = T.Create(factor), m = T.Create(mean);
        for (long row = 0; row < _from.Count; row++)
        {
            float* x = source + row * _from.Distance, y = target + row * _to.Distance;
            nint c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(T.MultiplyAdd((T.Load(x + c) - m) * f, T.Load(a + c), T.Load(b + c)), y + c);
            for (; c < columns; c++)
                y[c] = (x[c] - mean) * factor * a[c] + b[c];
        }
    }
}
