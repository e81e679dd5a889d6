using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// x · scale + shift by column, then an activation: a batch normalisation that no product before it could take in.
/// </summary>
internal sealed unsafe class ChannelAffineStep<T>(ValueView input, AlignedBuffer scale, AlignedBuffer shift, UnaryOp? activation, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly LoopNest _loops = new(result, input);

    public override void Execute(RunContext context) => context.Share(this, 0, _loops.RowsPerItem * context.Batch, 2 * _loops.Columns);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        float* source = context.Address(input), target = context.Address(result);
        for (long row = first; row < end; row++)
        {
            float* y = target + _loops.Offset(0, row);
            Row(source + _loops.Offset(1, row), y, _loops.Columns);
            if (activation is not null)
                ActivationKernel<T>.Run(activation, y, 0, y, 0, 1, _loops.Columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(float* x, float* y, nint count)
    {
        float* a = scale.Pointer, b = shift.Pointer;
        nint i = 0;
        for (; i <= count - T.Count; i += T.Count)
            T.Store(T.MultiplyAdd(T.Load(x + i), T.Load(a + i), T.Load(b + i)), y + i);
        if (i < count)
            T.StoreFirst(T.MultiplyAdd(T.LoadFirst(x + i, count - i), T.Load(a + i), T.Load(b + i)), y + i, count - i);
    }
}
