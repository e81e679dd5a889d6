using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Any convolution of a channels-last map as a matrix product: for each block of output pixels and of K the input patches are copied
/// to scratch in the order (ky, kx, channel). The copy costs one load and store against as many multiply-adds as there are output vectors.
/// </summary>
internal sealed unsafe class PatchStep<T>(ConvolutionGeometry geometry, ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue)
    : ProductStep<T>(weights, result, epilogue) where T : struct, IVector<T>
{
    private readonly nint _pixel = (nint)input.Strides[2];
    private readonly nint _line = (nint)input.Strides[1];
    private readonly nint _distance = RoundUp(Math.Min(MaxBlockK, weights.K));

    /// <summary>For every k: (ky, kx, channel) in the order of the patches, as positions in a weight row [C/groups, kH, kW].</summary>
    public static int[] WeightOrder(ConvolutionGeometry g)
    {
        int taps = g.Kernel.H * g.Kernel.W, channels = g.GroupChannels;
        return [.. Enumerable.Range(0, taps * channels).Select(k => k % channels * taps + k / channels)];
    }

    public override long WorkerScratch(int threads) => ProductGrid.MostRows * _distance + T.Count;

    protected override float* Rows(RunContext context, int worker, int group, long firstRow, int rows, int k, int length, out nint distance)
    {
        distance = _distance;
        float* scratch = context.WorkerScratch(worker), target = scratch;
        int pixels = geometry.OutHeight * geometry.OutWidth;
        long item = firstRow / pixels;
        int y = (int)(firstRow % pixels) / geometry.OutWidth, x = (int)(firstRow % geometry.OutWidth);
        float* source = context.Address(input) + item * input.ItemStride + group * geometry.GroupChannels;
        for (int r = 0; r < rows; r++)
        {
            CopyPatch(source, y * geometry.Stride.H - geometry.Top, x * geometry.Stride.W - geometry.Left, target, k, length);
            target += distance;
            if (++x == geometry.OutWidth)
            {
                x = 0;
                if (++y == geometry.OutHeight)
                {
                    y = 0;
                    source += input.ItemStride;
                }
            }
        }
        return scratch;
    }

    /// <summary>Copies values k to k + length of the patch whose first tap is at (top, left). May write up to one vector beyond: what follows is written later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyPatch(float* source, int top, int left, float* target, int k, int length)
    {
        int channels = geometry.GroupChannels, tap = k / channels, channel = k % channels;
        int ky = tap / geometry.Kernel.W, kx = tap % geometry.Kernel.W;
        while (length > 0)
        {
            int count = Math.Min(channels - channel, length);
            int iy = top + ky * geometry.Dilation.H, ix = left + kx * geometry.Dilation.W;
            if ((uint)iy < (uint)geometry.Height && (uint)ix < (uint)geometry.Width)
            {
                float* from = source + iy * _line + ix * _pixel + channel;
                for (nint c = 0; c < count; c += T.Count)
                    T.Store(T.Load(from + c), target + c);
            }
            else
            {
                for (nint c = 0; c < count; c += T.Count)
                    T.Store(T.Zero, target + c);
            }
            target += count;
            length -= count;
            channel = 0;
            if (++kx == geometry.Kernel.W)
            {
                kx = 0;
                ky++;
            }
        }
    }

    private static int RoundUp(int count) => (count + T.Count - 1) / T.Count * T.Count;
}
