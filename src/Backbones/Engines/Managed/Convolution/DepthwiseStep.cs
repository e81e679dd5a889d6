using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Depthwise convolution of a channels-last map, and grouped ones whose groups fit into a vector. A piece is a band of output lines for a few vectors of channels: its input is copied to
/// scratch vector by vector with the zero border in place, so the loops have no special cases, lines are dense, and channel counts that
/// are large powers of two do not collide in the first-level cache. Up to 12 output pixels share each weight load.
/// With groups of g channels the copy makes g lines of each: line j has in every lane channel j of the lane's group, so that the
/// kernel is g times as high and has no zeros among its weights.
/// </summary>
internal sealed unsafe class DepthwiseStep<T> : Step where T : struct, IVector<T>
{
    private const int MostPixels = 12;

    /// <summary>Floats of scratch of a piece: 128 KB.</summary>
    private const int ScratchFloats = 32 * 1024;

    private const int MostVectors = 4;

    private static readonly delegate*<DepthwiseLine*, void>[] s_lines =
    [
        &Line<Count1>, &Line<Count2>, &Line<Count3>, &Line<Count4>, &Line<Count5>, &Line<Count6>,
        &Line<Count7>, &Line<Count8>, &Line<Count9>, &Line<Count10>, &Line<Count11>, &Line<Count12>,
    ];

    private readonly ConvolutionGeometry _geometry;
    private readonly ValueView _input;
    private readonly ValueView _result;
    private readonly AlignedBuffer _weights;
    private readonly ProductEpilogue<T> _epilogue;
    private readonly int _vectors;
    private readonly int _group;
    private readonly int _scratchColumns;
    private readonly int _scratchLine;
    private readonly int _pieceVectors;
    private readonly int _bandLines;

    /// <param name="geometry">Groups as <see cref="ConvolutionGeometry.HasGroupsWithin"/> asks.</param>
    /// <param name="input">Channels-last map.</param>
    /// <param name="weights">What <see cref="Pack"/> made.</param>
    /// <param name="result">Channels-last map.</param>
    /// <param name="epilogue">Residual and activation.</param>
    public DepthwiseStep(ConvolutionGeometry geometry, ValueView input, AlignedBuffer weights, ValueView result, ProductEpilogue<T> epilogue)
    {
        (_geometry, _input, _weights, _result, _epilogue) = (geometry, input, weights, result, epilogue);
        _vectors = (geometry.Channels + T.Count - 1) / T.Count;
        _group = geometry.GroupChannels;
        _scratchColumns = (geometry.OutWidth - 1) * geometry.Stride.W + (geometry.Kernel.W - 1) * geometry.Dilation.W + 1;
        // At least 8 lines (or all), so that the lines above and below are copied for little more than once.
        _scratchLine = _scratchColumns * T.Count * _group;
        int wanted = Math.Min(8, geometry.OutHeight);
        _pieceVectors = Math.Clamp(ScratchFloats / (_scratchLine * ScratchLines(wanted)), 1, Math.Min(MostVectors, _vectors));
        _bandLines = wanted;
        while (_bandLines < geometry.OutHeight && _pieceVectors * _scratchLine * ScratchLines(_bandLines + 1) <= ScratchFloats)
            _bandLines++;
        _bandLines = (geometry.OutHeight + Bands - 1) / Bands;
    }

    /// <summary>Weights [C, C/groups, kH, kW] and bias for each vector of channels: the bias, then a vector for each (ky, channel of the group, kx).</summary>
    public static AlignedBuffer Pack(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ConvolutionGeometry geometry)
    {
        int taps = geometry.Kernel.H * geometry.Kernel.W, group = geometry.GroupChannels, vectors = (geometry.Channels + T.Count - 1) / T.Count;
        int perVector = taps * group + 1;
        var packed = new AlignedBuffer((long)vectors * perVector * T.Count);
        Span<float> target = packed.Span;
        for (int c = 0; c < geometry.Channels; c++)
        {
            int start = c / T.Count * perVector * T.Count + c % T.Count;
            target[start] = bias.IsEmpty ? 0 : bias[c];
            for (int tap = 0; tap < taps; tap++)
            {
                (int ky, int kx) = (tap / geometry.Kernel.W, tap % geometry.Kernel.W);
                for (int j = 0; j < group; j++)
                    target[start + ((ky * group + j) * geometry.Kernel.W + kx + 1) * T.Count] = weights[(c * group + j) * taps + tap];
            }
        }
        return packed;
    }

    public override long MultiplyAdds => (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.Channels * _group * _geometry.Kernel.H * _geometry.Kernel.W;

    public override long WorkerScratch(int threads) => (long)_pieceVectors * ScratchLines(_bandLines) * _scratchLine;

    private int Bands => (_geometry.OutHeight + _bandLines - 1) / _bandLines;

    private int Blocks => (_vectors + _pieceVectors - 1) / _pieceVectors;

    private int ScratchLines(int lines) => (lines - 1) * _geometry.Stride.H + (_geometry.Kernel.H - 1) * _geometry.Dilation.H + 1;

    public override void Execute(RunContext context) => context.Share(this, 0, context.Batch * Bands * Blocks);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        int block = index % Blocks, band = index / Blocks % Bands, item = index / Blocks / Bands;
        int firstLine = band * _bandLines, lines = Math.Min(_bandLines, _geometry.OutHeight - firstLine);
        int firstVector = block * _pieceVectors, vectors = Math.Min(_pieceVectors, _vectors - firstVector);
        float* scratch = context.WorkerScratch(worker);
        nint vectorDistance = (nint)ScratchLines(_bandLines) * _scratchLine;
        CopyInput(context.Address(_input) + item * _input.ItemStride + firstVector * T.Count, firstLine * _geometry.Stride.H - _geometry.Top, ScratchLines(lines), vectors, scratch, vectorDistance);

        nint line = (nint)_result.Strides[1], pixel = (nint)_result.Strides[2];
        int weightVectors = _geometry.Kernel.H * _geometry.Kernel.W * _group + 1;
        DepthwiseLine args = default;
        args.KernelH = _geometry.Kernel.H * _group;
        args.KernelW = _geometry.Kernel.W;
        args.TapY = (nint)_geometry.Dilation.H * _scratchLine / _group;
        args.TapX = _geometry.Dilation.W * T.Count;
        args.SourcePixel = _geometry.Stride.W * T.Count;
        args.TargetPixel = pixel;
        float* target = context.Address(_result) + item * _result.ItemStride + firstLine * line + firstVector * T.Count;
        for (int v = 0; v < vectors; v++)
        {
            int channel = (firstVector + v) * T.Count;
            args.Weights = _weights.Pointer + (long)(firstVector + v) * weightVectors * T.Count;
            args.Lanes = Math.Min(T.Count, _geometry.Channels - channel);
            // Runs of nearly equal length: a single pixel left over would wait for its own sums. All lines of a run before the next one:
            // most of a line's taps are those of the line above, and so in the first-level cache.
            int runs = (_geometry.OutWidth + MostPixels - 1) / MostPixels, x = 0;
            for (int run = 0; run < runs; run++)
            {
                int pixels = (_geometry.OutWidth - x) / (runs - run);
                for (int y = 0; y < lines; y++)
                {
                    args.Source = scratch + v * vectorDistance + (nint)y * _geometry.Stride.H * _scratchLine + x * args.SourcePixel;
                    args.Target = target + y * line + x * pixel + v * T.Count;
                    _epilogue.Prepare(context, ref args, ((long)item * _geometry.OutHeight + firstLine + y) * _geometry.OutWidth + x, channel);
                    s_lines[pixels - 1](&args);
                    _epilogue.Finish(args.Target, pixels, (int)args.Lanes, pixel);
                }
                x += pixels;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyInput(float* source, int top, int lines, int vectors, float* target, nint vectorDistance)
    {
        nint line = (nint)_input.Strides[1], pixel = (nint)_input.Strides[2];
        int first = Math.Min(_geometry.Left, _scratchColumns), end = Math.Clamp(_geometry.Width + _geometry.Left, first, _scratchColumns);
        for (int y = 0; y < lines; y++)
        {
            bool inside = (uint)(top + y) < (uint)_geometry.Height;
            for (int v = 0; v < vectors; v++)
            {
                float* to = target + v * vectorDistance + (nint)y * _scratchLine;
                float* from = source + (top + y) * line + v * T.Count;
                if (!inside)
                {
                    Clear(to, _scratchLine);
                    continue;
                }
                for (int j = 0; j < _group; j++)
                {
                    Clear(to, first * T.Count);
                    CopyPixels(from, pixel, to + (nint)first * T.Count, end - first, j);
                    Clear(to + (nint)end * T.Count, (_scratchColumns - end) * T.Count);
                    to += _scratchColumns * T.Count;
                }
            }
        }
    }

    private static void Clear(float* target, int count) => new Span<float>(target, count).Clear();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyPixels(float* source, nint pixel, float* target, int pixels, int channel)
    {
        if (_group == 1)
        {
            for (int x = 0; x < pixels; x++)
            {
                T.Store(T.Load(source), target);
                source += pixel;
                target += T.Count;
            }
            return;
        }
        int* lanes = stackalloc int[T.Count];
        for (int lane = 0; lane < T.Count; lane++)
            lanes[lane] = lane / _group * _group + channel;
        for (int x = 0; x < pixels; x++)
        {
            T.Store(T.Permute(T.Load(source), lanes), target);
            source += pixel;
            target += T.Count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Line<TPixels>(DepthwiseLine* args) where TPixels : struct, ICount
    {
        nint p = args->SourcePixel, p2 = 2 * p, p3 = 3 * p;
        float* weights = args->Weights, line = args->Source;
        T bias = T.Load(weights);
        T s0 = bias, s1 = bias, s2 = bias, s3 = bias, s4 = bias, s5 = bias, s6 = bias, s7 = bias, s8 = bias, s9 = bias, s10 = bias, s11 = bias;
        for (int ky = args->KernelH; ky > 0; ky--)
        {
            float* a = line;
            for (int kx = args->KernelW; kx > 0; kx--)
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
            T low = T.Create(args->Low), high = T.Create(args->High);
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

/// <summary>What a run of depthwise output pixels works on. Distances are in floats.</summary>
internal unsafe struct DepthwiseLine
{
    public float* Source;
    public float* Target;
    public float* Residual;
    public float* Weights;
    public nint SourcePixel;
    public nint TargetPixel;
    public nint ResidualPixel;
    public nint TapX;
    public nint TapY;
    public nint Lanes;
    public int KernelH;
    public int KernelW;
    public float Low;
    public float High;
    public bool Clamp;
}
