using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>Combines each contiguous run of values to one.</summary>
internal sealed unsafe class RowReduceStep<T> : Step where T : struct, IVector<T>
{
    private readonly ReduceKind _kind;
    private readonly long _divisor;
    private readonly ValueView _input;
    private readonly ValueView _result;
    private readonly (int Size, long Source, long Target)[] _kept;
    private readonly int _run;
    private readonly long _rows;

    /// <param name="kind">How values are combined.</param>
    /// <param name="divisor">What the sum of a mean is divided by.</param>
    /// <param name="input">The reduced axes lie without gaps.</param>
    /// <param name="result">The input's axes, those that are reduced with size 1.</param>
    public RowReduceStep(ReduceKind kind, long divisor, ValueView input, ValueView result)
    {
        (_kind, _divisor, _input, _result) = (kind, divisor, input, result);
        _kept = [.. Enumerable.Range(0, result.Dims.Length).Where(a => result.Dims[a] != 1).Select(a => (input.Dims[a], input.Strides[a], result.Strides[a]))];
        _rows = result.Length;
        _run = (int)(input.Length / _rows);
    }

    public override void Execute(RunContext context) => context.Share(this, 0, _rows * context.Batch, _run);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        for (long row = first; row < end; row++)
        {
            long item = row / _rows, rest = row % _rows;
            float* source = context.Address(_input) + item * _input.ItemStride, target = context.Address(_result) + item * _result.ItemStride;
            for (int i = _kept.Length - 1; i >= 0; i--)
            {
                long position = rest % _kept[i].Size;
                rest /= _kept[i].Size;
                source += position * _kept[i].Source;
                target += position * _kept[i].Target;
            }
            *target = Reduce(source);
        }
    }

    private float Reduce(float* x) => _kind switch
    {
        ReduceKind.Mean => RowMath<T>.Sum(x, _run) / _divisor,
        ReduceKind.Max => RowMath<T>.Max(x, _run),
        ReduceKind.L2 => MathF.Sqrt(RowMath<T>.SquaredDeviations(x, _run, 0)),
        _ => RowMath<T>.SquaredDeviations(x, _run, RowMath<T>.Sum(x, _run) / _run) / _run,
    };
}
