using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>The loops of a depthwise convolution over input that has its border: up to 12 output pixels of one vector of channels share each weight load.</summary>
internal sealed unsafe class DepthwiseKernel<T>(ConvolutionGeometry geometry, AlignedBuffer weights, ValueView result, ProductEpilogue<T> epilogue) where T : struct, IVector<T>
{
    /// <summary>Where there are 16 registers, 9 sums leave room for three weights and three pixels: with 12, AVX2 took a fifth longer. Where there are 32, 16 sums were no faster than 12.</summary>
    private static int MostPixels => T.TileColumns > 2 ? 12 : 9;

    private static readonly delegate*<DepthwiseLine*, void>[] s_lines =
    [
        &Line<Count1>, &Line<Count2>, &Line<Count3>, &Line<Count4>, &Line<Count5>, &Line<Count6>,
        &Line<Count7>, &Line<Count8>, &Line<Count9>, &Line<Count10>, &Line<Count11>, &Line<Count12>,
    ];

    /// <summary>Weights [O, 1, kH, kW], bias and bounds for each vector of channels: the bias, a vector for each tap, what the sums are at least and at most.</summary>
    public static AlignedBuffer Pack(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ChannelBounds bounds, ConvolutionGeometry geometry, NativeArena arena)
    {
        int taps = geometry.Kernel.H * geometry.Kernel.W, vectors = (geometry.OutChannels + T.Count - 1) / T.Count, perVector = taps + 3;
        var packed = new AlignedBuffer((long)vectors * perVector * T.Count, arena);
        Span<float> target = packed.Span;
        for (int c = 0; c < geometry.OutChannels; c++)
        {
            int start = c / T.Count * perVector * T.Count + c % T.Count;
            target[start] = bias.IsEmpty ? 0 : bias[c];
            for (int tap = 0; tap < taps; tap++)
                target[start + (tap + 1) * T.Count] = weights[c * taps + tap];
            target[start + (taps + 1) * T.Count] = bounds.Low[c];
            target[start + (taps + 2) * T.Count] = bounds.High[c];
        }
        return packed;
    }

    /// <summary>Convolves a band of output lines of an item, for some vectors of channels.</summary>
    public void Run(RunContext context, DepthwiseSource source, int item, int firstLine, int lines, int firstVector, int vectors)
    {
        nint line = (nint)result.Strides[1], pixel = (nint)result.Strides[2];
        int width = geometry.OutWidth, weightVectors = geometry.Kernel.H * geometry.Kernel.W + 3;
        DepthwiseLine args = default;
        args.KernelH = geometry.Kernel.H;
        args.KernelW = geometry.Kernel.W;
        args.TapY = geometry.Dilation.H * source.Line;
        args.TapX = geometry.Dilation.W * source.Pixel;
        args.SourcePixel = geometry.Stride.W * source.Pixel;
        args.TargetPixel = pixel;
        float* target = context.Address(result) + item * result.ItemStride + firstLine * line + firstVector * T.Count;
        for (int v = 0; v < vectors; v++)
        {
            int channel = (firstVector + v) * T.Count;
            args.Weights = weights.Pointer + (long)(firstVector + v) * weightVectors * T.Count;
            args.Lanes = Math.Min(T.Count, geometry.OutChannels - channel);
            // Runs of nearly equal length: a single pixel left over would wait for its own sums. All lines of a run before the next one:
            // most of a line's taps are those of the line above, and so in the first-level cache.
            int runs = (width + MostPixels - 1) / MostPixels, x = 0;
            for (int run = 0; run < runs; run++)
            {
                int pixels = (width - x) / (runs - run);
                for (int y = 0; y < lines; y++)
                {
                    args.Source = source.Start + v * source.Vector + y * geometry.Stride.H * source.Line + x * args.SourcePixel;
                    args.Target = target + y * line + x * pixel + v * T.Count;
                    epilogue.Prepare(context, ref args, ((long)item * geometry.OutHeight + firstLine + y) * width + x, channel);
                    s_lines[pixels - 1](&args);
                    epilogue.Finish(args.Target, pixels, (int)args.Lanes, pixel);
                }
                x += pixels;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T ThreeTaps(T w0, T x0, T w1, T x1, T w2, T x2, T sum) => T.MultiplyAdd(w2, x2, T.MultiplyAdd(w1, x1, T.MultiplyAdd(w0, x0, sum)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Line<TPixels>(DepthwiseLine* args) where TPixels : struct, ICount
    {
        nint p = args->SourcePixel, p2 = 2 * p, p3 = 3 * p;
        float* weights = args->Weights, line = args->Source;
        T bias = T.Load(weights);
        T s0 = bias, s1 = bias, s2 = bias, s3 = bias, s4 = bias, s5 = bias, s6 = bias, s7 = bias, s8 = bias, s9 = bias, s10 = bias, s11 = bias;
        bool slides = args->TapX == p;
        for (int ky = args->KernelH; ky > 0; ky--)
        {
            float* a = line;
            int kx = args->KernelW;
            // Three taps at a time where the next tap's pixels are the next pixel's: what is loaded then serves three multiply-adds, which wait for loads no longer.
            for (; slides && kx >= 3; kx -= 3)
            {
                T w0 = T.Load(weights + T.Count), w1 = T.Load(weights + 2 * T.Count), w2 = T.Load(weights + 3 * T.Count);
                weights += 3 * T.Count;
                float* b = a + 4 * p, c = a + 8 * p;
                T x0 = T.Load(a), x1 = T.Load(a + p), x2 = T.Load(a + p2);
                s0 = ThreeTaps(w0, x0, w1, x1, w2, x2, s0);
                if (TPixels.Value > 1) s1 = ThreeTaps(w0, x1, w1, x2, w2, x0 = T.Load(a + p3), s1);
                if (TPixels.Value > 2) s2 = ThreeTaps(w0, x2, w1, x0, w2, x1 = T.Load(b), s2);
                if (TPixels.Value > 3) s3 = ThreeTaps(w0, x0, w1, x1, w2, x2 = T.Load(b + p), s3);
                if (TPixels.Value > 4) s4 = ThreeTaps(w0, x1, w1, x2, w2, x0 = T.Load(b + p2), s4);
                if (TPixels.Value > 5) s5 = ThreeTaps(w0, x2, w1, x0, w2, x1 = T.Load(b + p3), s5);
                if (TPixels.Value > 6) s6 = ThreeTaps(w0, x0, w1, x1, w2, x2 = T.Load(c), s6);
                if (TPixels.Value > 7) s7 = ThreeTaps(w0, x1, w1, x2, w2, x0 = T.Load(c + p), s7);
                if (TPixels.Value > 8) s8 = ThreeTaps(w0, x2, w1, x0, w2, x1 = T.Load(c + p2), s8);
                if (TPixels.Value > 9) s9 = ThreeTaps(w0, x0, w1, x1, w2, x2 = T.Load(c + p3), s9);
                if (TPixels.Value > 10) s10 = ThreeTaps(w0, x1, w1, x2, w2, x0 = T.Load(c + 4 * p), s10);
                if (TPixels.Value > 11) s11 = ThreeTaps(w0, x2, w1, x0, w2, x1 = T.Load(c + 5 * p), s11);
                a += 3 * p;
            }
            for (; kx > 0; kx--)
            {
                weights += T.Count;
                T w = T.Load(weights);
                float* b = a + 4 * p, c = a + 8 * p;
                s0 = T.MultiplyAdd(w, T.Load(a), s0);
                if (TPixels.Value > 1) s1 = T.MultiplyAdd(w, T.Load(a + p), s1);
                if (TPixels.Value > 2) s2 = T.MultiplyAdd(w, T.Load(a + p2), s2);
                if (TPixels.Value > 3) s3 = T.MultiplyAdd(w, T.Load(a + p3), s3);
                if (TPixels.Value > 4) s4 = T.MultiplyAdd(w, T.Load(b), s4);
                if (TPixels.Value > 5) s5 = T.MultiplyAdd(w, T.Load(b + p), s5);
                if (TPixels.Value > 6) s6 = T.MultiplyAdd(w, T.Load(b + p2), s6);
                if (TPixels.Value > 7) s7 = T.MultiplyAdd(w, T.Load(b + p3), s7);
                if (TPixels.Value > 8) s8 = T.MultiplyAdd(w, T.Load(c), s8);
                if (TPixels.Value > 9) s9 = T.MultiplyAdd(w, T.Load(c + p), s9);
                if (TPixels.Value > 10) s10 = T.MultiplyAdd(w, T.Load(c + p2), s10);
                if (TPixels.Value > 11) s11 = T.MultiplyAdd(w, T.Load(c + p3), s11);
                a += args->TapX;
            }
            line += args->TapY;
        }
        if (args->Residual != null)
        {
            nint r = args->ResidualPixel;
            float* residual = args->Residual;
            s0 += T.Load(residual);
            if (TPixels.Value > 1) s1 += T.Load(residual + 1 * r);
            if (TPixels.Value > 2) s2 += T.Load(residual + 2 * r);
            if (TPixels.Value > 3) s3 += T.Load(residual + 3 * r);
            if (TPixels.Value > 4) s4 += T.Load(residual + 4 * r);
            if (TPixels.Value > 5) s5 += T.Load(residual + 5 * r);
            if (TPixels.Value > 6) s6 += T.Load(residual + 6 * r);
            if (TPixels.Value > 7) s7 += T.Load(residual + 7 * r);
            if (TPixels.Value > 8) s8 += T.Load(residual + 8 * r);
            if (TPixels.Value > 9) s9 += T.Load(residual + 9 * r);
            if (TPixels.Value > 10) s10 += T.Load(residual + 10 * r);
            if (TPixels.Value > 11) s11 += T.Load(residual + 11 * r);
        }
        if (args->Clamp)
        {
            T low = T.Load(weights + T.Count), high = T.Load(weights + 2 * T.Count);
            s0 = T.Min(high, T.Max(low, s0));
            if (TPixels.Value > 1) s1 = T.Min(high, T.Max(low, s1));
            if (TPixels.Value > 2) s2 = T.Min(high, T.Max(low, s2));
            if (TPixels.Value > 3) s3 = T.Min(high, T.Max(low, s3));
            if (TPixels.Value > 4) s4 = T.Min(high, T.Max(low, s4));
            if (TPixels.Value > 5) s5 = T.Min(high, T.Max(low, s5));
            if (TPixels.Value > 6) s6 = T.Min(high, T.Max(low, s6));
            if (TPixels.Value > 7) s7 = T.Min(high, T.Max(low, s7));
            if (TPixels.Value > 8) s8 = T.Min(high, T.Max(low, s8));
            if (TPixels.Value > 9) s9 = T.Min(high, T.Max(low, s9));
            if (TPixels.Value > 10) s10 = T.Min(high, T.Max(low, s10));
            if (TPixels.Value > 11) s11 = T.Min(high, T.Max(low, s11));
        }
        if (args->Addend != null)
        {
            nint r = args->AddendPixel;
            float* addend = args->Addend;
            s0 += T.Load(addend);
            if (TPixels.Value > 1) s1 += T.Load(addend + 1 * r);
            if (TPixels.Value > 2) s2 += T.Load(addend + 2 * r);
            if (TPixels.Value > 3) s3 += T.Load(addend + 3 * r);
            if (TPixels.Value > 4) s4 += T.Load(addend + 4 * r);
            if (TPixels.Value > 5) s5 += T.Load(addend + 5 * r);
            if (TPixels.Value > 6) s6 += T.Load(addend + 6 * r);
            if (TPixels.Value > 7) s7 += T.Load(addend + 7 * r);
            if (TPixels.Value > 8) s8 += T.Load(addend + 8 * r);
            if (TPixels.Value > 9) s9 += T.Load(addend + 9 * r);
            if (TPixels.Value > 10) s10 += T.Load(addend + 10 * r);
            if (TPixels.Value > 11) s11 += T.Load(addend + 11 * r);
        }
        nint q = args->TargetPixel;
        float* target = args->Target;
        if (args->Lanes == T.Count)
        {
            T.Store(s0, target);
            if (TPixels.Value > 1) T.Store(s1, target + 1 * q);
            if (TPixels.Value > 2) T.Store(s2, target + 2 * q);
            if (TPixels.Value > 3) T.Store(s3, target + 3 * q);
            if (TPixels.Value > 4) T.Store(s4, target + 4 * q);
            if (TPixels.Value > 5) T.Store(s5, target + 5 * q);
            if (TPixels.Value > 6) T.Store(s6, target + 6 * q);
            if (TPixels.Value > 7) T.Store(s7, target + 7 * q);
            if (TPixels.Value > 8) T.Store(s8, target + 8 * q);
            if (TPixels.Value > 9) T.Store(s9, target + 9 * q);
            if (TPixels.Value > 10) T.Store(s10, target + 10 * q);
            if (TPixels.Value > 11) T.Store(s11, target + 11 * q);
        }
        else
        {
            nint lanes = args->Lanes;
            T.StoreFirst(s0, target, lanes);
            if (TPixels.Value > 1) T.StoreFirst(s1, target + 1 * q, lanes);
            if (TPixels.Value > 2) T.StoreFirst(s2, target + 2 * q, lanes);
            if (TPixels.Value > 3) T.StoreFirst(s3, target + 3 * q, lanes);
            if (TPixels.Value > 4) T.StoreFirst(s4, target + 4 * q, lanes);
            if (TPixels.Value > 5) T.StoreFirst(s5, target + 5 * q, lanes);
            if (TPixels.Value > 6) T.StoreFirst(s6, target + 6 * q, lanes);
            if (TPixels.Value > 7) T.StoreFirst(s7, target + 7 * q, lanes);
            if (TPixels.Value > 8) T.StoreFirst(s8, target + 8 * q, lanes);
            if (TPixels.Value > 9) T.StoreFirst(s9, target + 9 * q, lanes);
            if (TPixels.Value > 10) T.StoreFirst(s10, target + 10 * q, lanes);
            if (TPixels.Value > 11) T.StoreFirst(s11, target + 11 * q, lanes);
        }
    }
}

/// <summary>Where the input of a band of output lines lies, with its border. Distances are in floats.</summary>
internal readonly unsafe struct DepthwiseSource(float* start, nint vector, nint line, nint pixel)
{
    /// <summary>The first tap of the band's first pixel, for the first vector of channels.</summary>
    public readonly float* Start = start;

    public readonly nint Vector = vector;
    public readonly nint Line = line;
    public readonly nint Pixel = pixel;
}

/// <summary>What a run of depthwise output pixels works on. Distances are in floats.</summary>
internal unsafe struct DepthwiseLine
{
    public float* Source;
    public float* Target;
    public float* Residual;
    public float* Addend;
    public float* Weights;
    public nint SourcePixel;
    public nint TargetPixel;
    public nint ResidualPixel;
    public nint AddendPixel;
    public nint TapX;
    public nint TapY;
    public nint Lanes;
    public int KernelH;
    public int KernelW;
    public bool Clamp;
}
