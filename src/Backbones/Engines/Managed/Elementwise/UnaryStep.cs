using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>A function of each element, where no product before it could take it in. Input and result have the same layout and may be the same memory.</summary>
internal sealed unsafe class UnaryStep<T>(UnaryOp op, ValueView input, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly LoopNest _loops = new(result, input);

    public override void Execute(RunContext context)
        => context.Share(this, 0, Pieces.Count(_loops.RowsPerItem * context.Batch, _loops.Columns, context.Pool.Threads));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        long rows = _loops.RowsPerItem * context.Batch;
        (long first, long end) = Pieces.Range(rows, Pieces.Count(rows, _loops.Columns, context.Pool.Threads), index);
        float* source = context.Address(input), target = context.Address(result);
        for (long row = first; row < end;)
        {
            int count = (int)Math.Min(_loops.InnerRows - row % _loops.InnerRows, end - row);
            ActivationKernel<T>.Run(op, source + _loops.Offset(1, row), (nint)_loops.InnerRowStride(1),
                target + _loops.Offset(0, row), (nint)_loops.InnerRowStride(0), count, _loops.Columns);
            row += count;
        }
    }
}
