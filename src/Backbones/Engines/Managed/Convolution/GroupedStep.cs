using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Grouped 3×3 convolution of a channels-last map by <see cref="GroupedKernel{T}"/>, for strides. A piece is a band of output lines for a few vectors of channels: what a run of pixels needs is copied to
/// scratch with the zero border in place, so that the loops have no special cases and lines are dense.
/// </summary>
internal sealed unsafe class GroupedStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Floats of scratch of a piece: 128 KB.</summary>
    private const int ScratchFloats = 32 * 1024;

    private readonly ConvolutionGeometry _geometry;
    private readonly ValueView _input;
    private readonly GroupedChannels<T> _channels;
    private readonly PackedMatrix<T> _weights;
    private readonly AlignedBuffer? _bias;
    private readonly ValueView _result;
    private readonly ProductEpilogue<T> _epilogue;
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
    {
        (_geometry, _input, _channels, _weights, _bias, _result, _epilogue) = (geometry, input, channels, weights, bias, result, epilogue);
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

    public override long MultiplyAdds => (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.OutChannels * _geometry.GroupChannels * 9;

    public override long WorkerScratch(int threads) => InputFloats + GroupedKernel<T>.MostPixels * T.Count + _weights.RowScratch(_weights.K);

    private long InputFloats => (long)InputLines(_bandLines) * _columns * _channels.LargestPixel;

    private int Bands => (_geometry.OutHeight + _bandLines - 1) / _bandLines;

    private int InputLines(int lines) => (lines - 1) * _geometry.Stride.H + 3;

    public override void Execute(RunContext context) => context.Share(this, 0, context.Batch * Bands * _channels.Blocks);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (int row, int block) = Pieces.Place(context.Batch * Bands, _channels.Blocks, context.Pool.Threads, index);
        int band = row % Bands, item = row / Bands;
        int firstLine = band * _bandLines, lines = Math.Min(_bandLines, _geometry.OutHeight - firstLine);
        nint pixel = _channels.Pixel(block), resultLine = (nint)_result.Strides[1], resultPixel = (nint)_result.Strides[2];
        float* inputs = context.WorkerScratch(worker), sums = inputs + InputFloats, weights = sums + GroupedKernel<T>.MostPixels * T.Count;
        float* source = context.Address(_input) + item * _input.ItemStride + _channels.FirstChannel(block);
        float* target = context.Address(_result) + item * _result.ItemStride + firstLine * resultLine;
        // Runs of nearly equal length.
        int width = _geometry.OutWidth, runs = (width + GroupedKernel<T>.MostPixels - 1) / GroupedKernel<T>.MostPixels;
        GroupedRun args = default;
        args.Pixel = pixel;
        args.Lines = 3;
        args.Target = sums;
        for (int run = 0, x = 0; run < runs; run++)
        {
            int pixels = (width - x) / (runs - run), columns = (pixels - 1) * _geometry.Stride.W + 3;
            args.Line = columns * pixel;
            CopyInput(source, firstLine * _geometry.Stride.H - _geometry.Top, InputLines(lines), x * _geometry.Stride.W - _geometry.Left, columns, inputs, _channels.InputPixel(block), pixel);
            _channels.Mix(block, inputs, InputLines(lines) * columns);
            for (int vector = _channels.FirstVector(block); vector < _channels.EndVector(block); vector++)
            {
                (bool severalGroups, nint channels) = _channels.Prepare(ref args, vector);
                args.Weights = _weights.Rows(vector, 0, 0, _weights.K, weights);
                int channel = vector * T.Count, lanes = Math.Min(T.Count, _geometry.OutChannels - channel);
                T bias = _bias is null ? T.Zero : T.Load(_bias.Pointer + channel);
                for (int y = 0; y < lines; y++)
                {
                    args.Source = inputs + channels + y * _geometry.Stride.H * args.Line;
                    GroupedKernel<T>.Run(severalGroups, _geometry.Stride.W, pixels, &args);
                    _epilogue.Store(context, sums, bias, target + y * resultLine + x * resultPixel + channel, resultPixel, pixels, lanes, ((long)item * _geometry.OutHeight + firstLine + y) * width + x, channel);
                }
            }
            x += pixels;
        }
    }

    /// <summary>Some lines and columns of a block's channels, zero outside of the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyInput(float* source, int top, int lines, int left, int columns, float* target, nint channels, nint targetPixel)
    {
        nint sourceLine = (nint)_input.Strides[1], sourcePixel = (nint)_input.Strides[2];
        int first = Math.Clamp(-left, 0, columns), end = Math.Clamp(_geometry.Width - left, first, columns);
        for (int y = 0; y < lines; y++, target += columns * targetPixel)
        {
            if ((uint)(top + y) >= (uint)_geometry.Height)
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

    private static void Clear(float* target, nint count) => new Span<float>(target, (int)count).Clear();
}
