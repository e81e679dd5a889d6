namespace Backbones.Engines.Managed;

/// <summary>e^x / Σ e^x over each row of contiguous values.</summary>
internal sealed unsafe class SoftmaxStep<T>(ValueView input, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly LoopNest _loops = new(result, input);

    public override void Execute(RunContext context) => context.Share(this, 0, _loops.RowsPerItem * context.Batch, 8 * _loops.Columns);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        float* source = context.Address(input), target = context.Address(result);
        for (long row = first; row < end; row++)
        {
            float* x = source + _loops.Offset(1, row), y = target + _loops.Offset(0, row);
            float sum = RowMath<T>.ExpSum(x, y, _loops.Columns, 1, RowMath<T>.Max(x, _loops.Columns));
            RowMath<T>.Scale(y, y, _loops.Columns, 1 / sum);
        }
    }
}
