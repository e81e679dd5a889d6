using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Grouped 3×3 convolution of a channels-last map by <see cref="GroupedKernel{T}"/>, for strides. A piece is a band of output lines for a few vectors of channels: what a run of pixels needs is copied to
/// scratch with the zero border in place, so that the loops have no special cases and lines are dense.
/// </summary>
internal sealed unsafe class GroupedStep<T> : GroupedConvolution<T> where T : struct, IVector<T>
{
    /// <summary>Floats of scratch of a piece: 128 KB.</summary>
    private const int ScratchFloats = 32 * 1024;

    private readonly int _columns;
    private readonly int _bandLines;

    /// <param name="geometry">3×3, a stride of 1 or 2 in a line, dilation 1.</param>
    /// <param name="input">Channels-last map.</param>
    /// <param name="channels">Its channels and groups.</param>
    /// <param name="weights">What <see cref="Pack"/> made.</param>
    /// <param name="bias">Padded to whole vectors; null for none.</param>
    /// <param name="result">Channels-last map.</param>
    /// <param name="epilogue">Residual and activation.</param>
    public GroupedStep(ConvolutionGeometry geometry, ValueView input, GroupedChannels<T> channels, PackedMatrix<T> weights, AlignedBuffer? bias, ValueView result, ProductEpilogue<T> epilogue)
        : base(geometry, input, channels, weights, bias, result, epilogue)
    {
        _columns = (Math.Min(geometry.OutWidth, GroupedKernel<T>.MostPixels) - 1) * geometry.Stride.W + 3;
        _bandLines = geometry.OutHeight;
        while (_bandLines > 1 && InputFloats > ScratchFloats)
            _bandLines--;
        _bandLines = (geometry.OutHeight + Bands - 1) / Bands;
    }

    /// <summary>Filters [O, C/groups, 3, 3] for each vector of output channels: line after line, channel after channel, the taps of a line.</summary>
    public static PackedMatrix<T> Pack(ReadOnlyMemory<float> filters, ConvolutionGeometry geometry, NativeArena? arena)
    {
        int width = geometry.GroupChannels, vectors = (geometry.OutChannels + T.Count - 1) / T.Count;
        var packed = new PackedMatrix<T>(9 * width, T.Count, vectors, arena);
        Parallel.For(0, vectors, vector =>
        {
            for (int o = vector * T.Count; o < Math.Min((vector + 1) * T.Count, geometry.OutChannels); o++)
            {
                ReadOnlySpan<float> filter = filters.Span.Slice(o * width * 9, width * 9);
                float* target = packed.Column(vector, o % T.Count, out nint row);
                for (int i = 0; i < 9 * width; i++, target += row)
                    *target = filter[i / 3 % width * 9 + i / (3 * width) * 3 + i % 3];
            }
        });
        return packed;
    }

    public override long WorkerScratch => InputFloats + GroupedKernel<T>.MostPixels * T.Count + Weights.RowScratch(Weights.K);

    private long InputFloats => (long)InputLines(_bandLines) * _columns * Channels.LargestPixel;

    private int Bands => (Geometry.OutHeight + _bandLines - 1) / _bandLines;

    private int InputLines(int lines) => (lines - 1) * Geometry.Stride.H + 3;

    public override void Execute(RunContext context) => context.Share(this, 0, context.Batch * Bands * Channels.Blocks);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (int row, int block) = Pieces.Place(context.Batch * Bands, Channels.Blocks, context.Pool.Threads, index);
        int band = row % Bands, item = row / Bands;
        int firstLine = band * _bandLines, lines = Math.Min(_bandLines, Geometry.OutHeight - firstLine);
        nint pixel = Channels.Pixel(block), resultLine = (nint)Result.Strides[1], resultPixel = (nint)Result.Strides[2];
        float* inputs = context.WorkerScratch(worker), sums = inputs + InputFloats, weights = sums + GroupedKernel<T>.MostPixels * T.Count;
        float* source = context.Address(Input) + item * Input.ItemStride + Channels.FirstChannel(block);
        float* target = context.Address(Result) + item * Result.ItemStride + firstLine * resultLine;
        // Runs of nearly equal length.
        int width = Geometry.OutWidth, runs = (width + GroupedKernel<T>.MostPixels - 1) / GroupedKernel<T>.MostPixels;
        GroupedRun args = default;
        args.Pixel = pixel;
        args.Lines = 3;
        args.Target = sums;
        for (int run = 0, x = 0; run < runs; run++)
        {
            int pixels = (width - x) / (runs - run), columns = (pixels - 1) * Geometry.Stride.W + 3;
            args.Line = columns * pixel;
            CopyInput(source, firstLine * Geometry.Stride.H - Geometry.Top, InputLines(lines), x * Geometry.Stride.W - Geometry.Left, columns, inputs, Channels.InputPixel(block), pixel);
            Channels.Mix(block, inputs, InputLines(lines) * columns);
            for (int vector = Channels.FirstVector(block); vector < Channels.EndVector(block); vector++)
            {
                (bool severalGroups, nint channels) = Channels.Prepare(ref args, vector);
                args.Weights = Weights.Rows(vector, 0, 0, Weights.K, weights);
                int channel = vector * T.Count, lanes = Math.Min(T.Count, Geometry.OutChannels - channel);
                T bias = Bias(channel);
                for (int y = 0; y < lines; y++)
                {
                    args.Source = inputs + channels + y * Geometry.Stride.H * args.Line;
                    GroupedKernel<T>.Run(severalGroups, Geometry.Stride.W, pixels, &args);
                    Epilogue.Store(context, sums, bias, target + y * resultLine + x * resultPixel + channel, resultPixel, pixels, lanes, ((long)item * Geometry.OutHeight + firstLine + y) * width + x, channel);
                }
            }
            x += pixels;
        }
    }

    /// <summary>Some lines and columns of a block's channels, zero outside of the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyInput(float* source, int top, int lines, int left, int columns, float* target, nint channels, nint targetPixel)
    {
        nint sourceLine = (nint)Input.Strides[1], sourcePixel = (nint)Input.Strides[2];
        int first = Math.Clamp(-left, 0, columns), end = Math.Clamp(Geometry.Width - left, first, columns);
        for (int y = 0; y < lines; y++, target += columns * targetPixel)
        {
            if ((uint)(top + y) >= (uint)Geometry.Height)
            {
                Clear(target, columns * targetPixel);
                continue;
            }
            float* from = source + (top + y) * sourceLine + (left + first) * sourcePixel, to = target + first * targetPixel;
            Clear(target, first * targetPixel);
            for (int x = first; x < end; x++)
            {
                for (nint c = 0; c < channels; c += T.Count)
                    T.Store(T.Load(from + c), to + c);
                from += sourcePixel;
                to += targetPixel;
            }
            Clear(to, (columns - end) * targetPixel);
        }
    }
}
