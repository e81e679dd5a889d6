using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// The first convolution: reads the caller's planar [C, H, W] images, few channels, as they are. As <see cref="PatchStep{T}"/> with patches
/// in the order (channel, ky, kx), so that a line of a patch is copied at once.
/// </summary>
internal sealed unsafe class PlanarPatchStep<T>(ConvolutionGeometry geometry, ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue)
    : ProductStep<T>(weights, result, epilogue) where T : struct, IVector<T>
{
    private readonly nint _distance = (Math.Min(MaxBlockK, weights.K) + T.Count - 1) / T.Count * T.Count;
    private readonly nint _plane = (nint)input.Strides[0];
    private readonly nint _line = (nint)input.Strides[1];

    public override long WorkerScratch(int threads) => ProductGrid.MostRows * _distance + T.Count;

    protected override float* Rows(RunContext context, int worker, int group, long firstRow, int rows, int k, int length, out nint distance)
    {
        distance = _distance;
        float* scratch = context.WorkerScratch(worker), target = scratch;
        float* images = context.Address(input);
        // The caller's memory ends here: a whole vector may only be read before it.
        float* end = images + context.Batch * input.ItemStride - T.Count;
        int pixels = geometry.OutHeight * geometry.OutWidth;
        for (long row = firstRow; row < firstRow + rows; row++)
        {
            int pixel = (int)(row % pixels);
            float* image = images + row / pixels * input.ItemStride + group * geometry.GroupChannels * _plane;
            int top = pixel / geometry.OutWidth * geometry.Stride.H - geometry.Top, left = pixel % geometry.OutWidth * geometry.Stride.W - geometry.Left;
            CopyPatch(image, end, top, left, target, k, length);
            target += distance;
        }
        return scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyPatch(float* image, float* end, int top, int left, float* target, int k, int length)
    {
        int kw = geometry.Kernel.W, kh = geometry.Kernel.H;
        int segment = k / kw, kx = k % kw;
        int channel = segment / kh, ky = segment % kh;
        bool inside = left >= 0 && left + (kw - 1) * geometry.Dilation.W < geometry.Width && geometry.Dilation.W == 1;
        while (length > 0)
        {
            int count = Math.Min(kw - kx, length), iy = top + ky * geometry.Dilation.H;
            float* line = image + channel * _plane + iy * _line + left;
            if ((uint)iy >= (uint)geometry.Height)
            {
                for (nint i = 0; i < count; i += T.Count)
                    T.Store(T.Zero, target + i);
            }
            else if (inside && line + kw <= end)
            {
                for (nint i = 0; i < count; i += T.Count)
                    T.Store(T.Load(line + kx + i), target + i);
            }
            else
            {
                for (int i = 0; i < count; i++)
                {
                    int dx = (kx + i) * geometry.Dilation.W;
                    target[i] = (uint)(left + dx) < (uint)geometry.Width ? line[dx] : 0;
                }
            }
            target += count;
            length -= count;
            kx = 0;
            if (++ky == kh)
            {
                ky = 0;
                channel++;
            }
        }
    }
}
