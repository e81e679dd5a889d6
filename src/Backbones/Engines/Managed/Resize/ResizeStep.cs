using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>Interpolates a channels-last map: each output pixel is a weighted sum of input pixels, weights by line and by column.</summary>
internal sealed unsafe class ResizeStep<T>((int Index, double Weight)[][] lines, (int Index, double Weight)[][] columns, ValueView input, ValueView result) : Step where T : struct, IVector<T>
{
    private readonly int _channels = result.Dims[0];

    private long LineWork => (long)columns.Length * _channels * lines[0].Length * columns[0].Length;

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
                Pixel(source, lines[y], columns[x], target + x * result.Strides[2]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pixel(float* source, (int Index, double Weight)[] vertical, (int Index, double Weight)[] horizontal, float* target)
    {
        for (nint c = 0; c < _channels; c += T.Count)
        {
            T sum = T.Zero;
            foreach ((int iy, double wy) in vertical)
            {
                float* line = source + iy * input.Strides[1] + c;
                foreach ((int ix, double wx) in horizontal)
                    sum = T.MultiplyAdd(T.Load(line + ix * input.Strides[2]), T.Create((float)(wy * wx)), sum);
            }
            if (c + T.Count <= _channels)
                T.Store(sum, target + c);
            else
                T.StoreFirst(sum, target + c, _channels - c);
        }
    }
}
