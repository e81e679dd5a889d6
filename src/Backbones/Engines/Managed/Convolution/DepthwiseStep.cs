using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Depthwise convolution of a channels-last map, and grouped ones whose groups fit into a vector. A piece is a band of output lines for a few vectors of channels: its input is copied to
/// scratch vector by vector with the zero border in place, so the loops have no special cases, lines are dense, and channel counts that
/// are large powers of two do not collide in the first-level cache. Up to 12 output pixels share each weight load.
/// With groups of g channels the copy makes g vectors of each: vector j has in every lane channel j of the lane's group, so that a
/// tap is g multiply-adds without a zero among the weights.
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
    private readonly int _scratchPixel;
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
        _scratchPixel = _group * T.Count;
        _scratchColumns = (geometry.OutWidth - 1) * geometry.Stride.W + (geometry.Kernel.W - 1) * geometry.Dilation.W + 1;
        // At least 8 lines (or all), so that the lines above and below are copied for little more than once.
        int lineFloats = _scratchColumns * _scratchPixel, wanted = Math.Min(8, geometry.OutHeight);
        _pieceVectors = Math.Clamp(ScratchFloats / (lineFloats * ScratchLines(wanted)), 1, Math.Min(MostVectors, _vectors));
        _bandLines = wanted;
        while (_bandLines < geometry.OutHeight && _pieceVectors * lineFloats * ScratchLines(_bandLines + 1) <= ScratchFloats)
            _bandLines++;
        _bandLines = (geometry.OutHeight + Bands - 1) / Bands;
    }

    /// <summary>Weights [C, C/groups, kH, kW] and bias for each vector of channels: the bias, then for each tap a vector for each channel of a group.</summary>
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
                for (int j = 0; j < group; j++)
                    target[start + (tap * group + j + 1) * T.Count] = weights[(c * group + j) * taps + tap];
            }
        }
        return packed;
    }

    public override long MultiplyAdds => (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.Channels * _group * _geometry.Kernel.H * _geometry.Kernel.W;

    public override long WorkerScratch(int threads) => (long)_pieceVectors * ScratchLines(_bandLines) * _scratchColumns * _scratchPixel;

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
        nint vectorDistance = (nint)ScratchLines(_bandLines) * _scratchColumns * _scratchPixel;
        CopyInput(context.Address(_input) + item * _input.ItemStride + firstVector * T.Count, firstLine * _geometry.Stride.H - _geometry.Top, ScratchLines(lines), vectors, scratch, vectorDistance);

        nint line = (nint)_result.Strides[1], pixel = (nint)_result.Strides[2];
        int weightVectors = _geometry.Kernel.H * _geometry.Kernel.W * _group + 1;
        DepthwiseLine args = default;
        args.KernelH = _geometry.Kernel.H;
        args.KernelW = _geometry.Kernel.W * _group;
        args.TapY = (nint)_geometry.Dilation.H * _scratchColumns * _scratchPixel;
        args.TapX = _geometry.Dilation.W * T.Count;
        args.SourcePixel = _geometry.Stride.W * _scratchPixel;
        args.TargetPixel = pixel;
        for (int v = 0; v < vectors; v++)
        {
            int channel = (firstVector + v) * T.Count;
            args.Weights = _weights.Pointer + (long)(firstVector + v) * weightVectors * T.Count;
            args.Lanes = Math.Min(T.Count, _geometry.Channels - channel);
            for (int y = 0; y < lines; y++)
            {
                args.Source = scratch + v * vectorDistance + (nint)y * _geometry.Stride.H * _scratchColumns * _scratchPixel;
                args.Target = context.Address(_result) + item * _result.ItemStride + (firstLine + y) * line + channel;
                float* target = args.Target;
                _epilogue.Prepare(context, ref args, ((long)item * _geometry.OutHeight + firstLine + y) * _geometry.OutWidth, channel);
                // Runs of nearly equal length: a single pixel left over would wait for its own sums.
                int runs = (_geometry.OutWidth + MostPixels - 1) / MostPixels, x = 0;
                for (int run = 0; run < runs; run++)
                {
                    int pixels = (_geometry.OutWidth - x) / (runs - run);
                    s_lines[pixels - 1](&args);
                    args.Source += pixels * args.SourcePixel;
                    args.Target += pixels * pixel;
                    if (args.Residual != null)
                        args.Residual += pixels * args.ResidualPixel;
                    x += pixels;
                }
                _epilogue.Finish(target, _geometry.OutWidth, (int)args.Lanes, pixel);
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
                float* to = target + v * vectorDistance + (nint)y * _scratchColumns * _scratchPixel;
                float* from = source + (top + y) * line + v * T.Count;
                if (inside)
                {
                    Clear(to, first * _scratchPixel);
                    CopyPixels(from, pixel, to + (nint)first * _scratchPixel, end - first);
                    Clear(to + (nint)end * _scratchPixel, (_scratchColumns - end) * _scratchPixel);
                }
                else
                {
                    Clear(to, _scratchColumns * _scratchPixel);
                }
            }
        }
    }

    private static void Clear(float* target, int count) => new Span<float>(target, count).Clear();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyPixels(float* source, nint pixel, float* target, int pixels)
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
        for (int j = 0; j < _group; j++)
        {
            for (int lane = 0; lane < T.Count; lane++)
                lanes[lane] = lane / _group * _group + j;
            float* from = source, to = target + j * T.Count;
            for (int x = 0; x < pixels; x++)
            {
                T.Store(T.Permute(T.Load(from), lanes), to);
                from += pixel;
                to += _scratchPixel;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Line<TPixels>(DepthwiseLine* args) where TPixels : struct, ICount
    {
        nint p = args->SourcePixel;
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
                if (TPixels.Value > 2) s2 = T.MultiplyAdd(w, T.Load(a + 2 * p), s2);
                if (TPixels.Value > 3) s3 = T.MultiplyAdd(w, T.Load(a + 3 * p), s3);
                if (TPixels.Value > 4) s4 = T.MultiplyAdd(w, T.Load(b), s4);
                if (TPixels.Value > 5) s5 = T.MultiplyAdd(w, T.Load(b + p), s5);
                if (TPixels.Value > 6) s6 = T.MultiplyAdd(w, T.Load(b + 2 * p), s6);
                if (TPixels.Value > 7) s7 = T.MultiplyAdd(w, T.Load(b + 3 * p), s7);
                if (TPixels.Value > 8) s8 = T.MultiplyAdd(w, T.Load(c), s8);
                if (TPixels.Value > 9) s9 = T.MultiplyAdd(w, T.Load(c + p), s9);
                if (TPixels.Value > 10) s10 = T.MultiplyAdd(w, T.Load(c + 2 * p), s10);
                if (TPixels.Value > 11) s11 = T.MultiplyAdd(w, T.Load(c + 3 * p), s11);
                a += args->TapX;
            }
            line += args->TapY;
        }
        Finish(args, 0, s0);
        if (TPixels.Value > 1) Finish(args, 1, s1);
        if (TPixels.Value > 2) Finish(args, 2, s2);
        if (TPixels.Value > 3) Finish(args, 3, s3);
        if (TPixels.Value > 4) Finish(args, 4, s4);
        if (TPixels.Value > 5) Finish(args, 5, s5);
        if (TPixels.Value > 6) Finish(args, 6, s6);
        if (TPixels.Value > 7) Finish(args, 7, s7);
        if (TPixels.Value > 8) Finish(args, 8, s8);
        if (TPixels.Value > 9) Finish(args, 9, s9);
        if (TPixels.Value > 10) Finish(args, 10, s10);
        if (TPixels.Value > 11) Finish(args, 11, s11);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(DepthwiseLine* args, nint pixel, T value)
    {
        if (args->Residual != null)
            value += T.Load(args->Residual + pixel * args->ResidualPixel);
        if (args->Clamp)
            value = T.Min(T.Create(args->High), T.Max(T.Create(args->Low), value));
        float* target = args->Target + pixel * args->TargetPixel;
        if (args->Lanes == T.Count)
            T.Store(value, target);
        else
            T.StoreFirst(value, target, args->Lanes);
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
