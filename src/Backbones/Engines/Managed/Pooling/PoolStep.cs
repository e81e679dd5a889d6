using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>Maximum or mean over windows of a channels-last map, all channels of an output pixel at a time.</summary>
internal sealed unsafe class PoolStep<T>(bool max, PoolWindow[] lines, PoolWindow[] columns, ValueView input, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly int _channels = result.Dims[0];
    private readonly nint _line = (nint)input.Strides[1];
    private readonly nint _pixel = (nint)input.Strides[2];

    private long LineWork => (long)columns.Length * _channels * 4;

    public override void Execute(RunContext context) => context.Share(this, 0, (long)lines.Length * context.Batch, LineWork);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        for (long i = first; i < end; i++)
        {
            long item = i / lines.Length;
            int y = (int)(i % lines.Length);
            float* source = context.Address(input) + item * input.ItemStride;
            float* target = context.Address(result) + item * result.ItemStride + y * result.Strides[1];
            for (int x = 0; x < columns.Length; x++)
            {
                if (max)
                    Max(source, lines[y], columns[x], target + x * result.Strides[2]);
                else
                    Mean(source, lines[y], columns[x], target + x * result.Strides[2]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Max(float* source, PoolWindow v, PoolWindow h, float* target)
    {
        for (nint c = 0; c < _channels; c += T.Count)
        {
            T best = T.Create(float.NegativeInfinity);
            for (int y = v.First; y < v.End; y += v.Step)
            {
                float* line = source + y * _line + c;
                for (int x = h.First; x < h.End; x += h.Step)
                    best = T.Maximum(best, T.Load(line + x * _pixel));
            }
            Store(best, target, c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mean(float* source, PoolWindow v, PoolWindow h, float* target)
    {
        T divisor = T.Create((float)v.Divisor * h.Divisor);
        for (nint c = 0; c < _channels; c += T.Count)
        {
            T sum = T.Zero;
            for (int y = v.First; y < v.End; y += v.Step)
            {
                float* line = source + y * _line + c;
                for (int x = h.First; x < h.End; x += h.Step)
                    sum += T.Load(line + x * _pixel);
            }
            Store(sum / divisor, target, c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store(T value, float* target, nint channel)
    {
        if (channel + T.Count <= _channels)
            T.Store(value, target + channel);
        else
            T.StoreFirst(value, target + channel, _channels - channel);
    }
}
