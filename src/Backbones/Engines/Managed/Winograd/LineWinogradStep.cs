using System.Runtime.Intrinsics;
using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// 3×3 convolutions with stride 1 in groups, or of few channels, by Winograd's filtering F(4, 3) of lines: six lines of the input become six others, each of these is convolved with three taps by
/// <see cref="GroupedKernel{T}"/>, and the six sums become four lines of the output. Half of the multiply-adds are left, where tiles in both dimensions leave a quarter. But no matrix as small as the groups is
/// multiplied for each position, weights only double, and what is transformed stays near. Groups of 4 to 232 channels take 0.3 to 0.7 of what they took before; from 32 channels on and without groups tiles
/// are faster (1.3 to 2.8). A piece is a few vectors of channels for some strips of four lines.
/// </summary>
internal sealed unsafe class LineWinogradStep<T> : GroupedConvolution<T> where T : struct, IVector<T>
{
    private const int Inputs = 6, Outputs = 4;

    /// <summary>Floats of transformed lines: 256 KB, beside which weights stay in the second-level cache.</summary>
    private const int ScratchFloats = 64 * 1024;

    /// <summary>Pieces for each thread, where weights, which are read for each piece, allow.</summary>
    private const int PiecesPerThread = 4;

    private readonly int _runs;
    private readonly int _tileRuns;

    /// <param name="geometry">3×3, stride 1, dilation 1.</param>
    /// <param name="input">Channels-last map.</param>
    /// <param name="channels">Its channels and groups.</param>
    /// <param name="weights">What <see cref="Pack"/> made.</param>
    /// <param name="bias">Padded to whole vectors; null for none.</param>
    /// <param name="result">Channels-last map.</param>
    /// <param name="epilogue">Residual and activation.</param>
    public LineWinogradStep(ConvolutionGeometry geometry, ValueView input, GroupedChannels<T> channels, PackedMatrix<T> weights, AlignedBuffer? bias, ValueView result, ProductEpilogue<T> epilogue)
        : base(geometry, input, channels, weights, bias, result, epilogue)
    {
        _runs = (geometry.OutWidth + GroupedKernel<T>.MostPixels - 1) / GroupedKernel<T>.MostPixels;
        _tileRuns = Math.Clamp(ScratchFloats / (Inputs * channels.LargestPixel * GroupedKernel<T>.MostPixels), 1, _runs);
    }

    /// <summary>Whether strips of four lines save a quarter of the multiply-adds or more: each needs two lines more than it has, the last one with what is left of the map, too.</summary>
    public static bool Pays(ConvolutionGeometry geometry)
        => geometry.Stride == new Size2(1, 1) && geometry.OutWidth >= 4 && 4 * (geometry.OutHeight + 2 * ((geometry.OutHeight + Outputs - 1) / Outputs)) <= 3 * 3 * geometry.OutHeight;

    /// <summary>Filters [O, C/groups, 3, 3], transformed along their columns: for each vector of output channels and each transformed line, channel after channel, the taps of a line.</summary>
    public static PackedMatrix<T> Pack(RowScaled filters, ConvolutionGeometry geometry, NativeArena? arena)
    {
        int width = geometry.GroupChannels, vectors = (geometry.OutChannels + T.Count - 1) / T.Count;
        var packed = new PackedMatrix<T>(3 * width, T.Count, vectors * Inputs, arena);
        Parallel.For(0, vectors, vector =>
        {
            Span<Vector256<double>> factors = stackalloc Vector256<double>[Inputs];
            float* scratch = stackalloc float[FilterTaps<T>.Floats];
            var taps = new FilterTaps<T>(filters, width, vector * T.Count, Math.Min(T.Count, geometry.OutChannels - vector * T.Count), scratch);
            float* target = packed.Column(vector * Inputs, 0, out nint row);
            for (int c = 0; c < width; c++)
            {
                taps.Read(c);
                for (int x = 0; x < 3; x++, target += row)
                {
                    for (int lane = 0; lane < T.Count; lane += 4)
                    {
                        Winograd4<T>.TransformFilter(taps.Load(x, lane), taps.Load(3 + x, lane), taps.Load(6 + x, lane), factors);
                        for (int line = 0; line < Inputs; line++)
                            Vector128.Narrow(factors[line].GetLower(), factors[line].GetUpper()).Store(target + line * 3 * width * row + lane);
                    }
                }
            }
        });
        return packed;
    }

    public override long WorkerScratch => InputFloats + SumFloats + Channels.LargestPixel + Weights.RowScratch(Weights.K);

    /// <summary>Transformed lines of a tile and a block.</summary>
    private int InputFloats => Inputs * (_tileRuns * GroupedKernel<T>.MostPixels + 2) * Channels.LargestPixel;

    /// <summary>Sums of a run for the transformed lines, and lines of the output.</summary>
    private static int SumFloats => (Inputs + Outputs) * GroupedKernel<T>.MostPixels * T.Count;

    private int Strips => (Geometry.OutHeight + Outputs - 1) / Outputs;

    /// <summary>Bands of equal height: with one that is higher a thread would wait for another.</summary>
    private int Bands(RunContext context)
    {
        int threads = context.Pool.Threads, pieces = Channels.Blocks * context.Batch, bands = 1;
        while (threads > 1 && bands < Strips && (bands * pieces < PiecesPerThread * threads || Strips % bands != 0))
            bands++;
        return bands;
    }

    public override void Execute(RunContext context) => context.Share(this, 0, Bands(context) * context.Batch * Channels.Blocks);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        int bands = Bands(context);
        (int row, int block) = Pieces.Place(context.Batch * bands, Channels.Blocks, context.Pool.Threads, index);
        int item = row / bands;
        (long firstStrip, long endStrip) = Pieces.Range(Strips, bands, row % bands);
        nint pixel = Channels.Pixel(block);
        float* inputs = context.WorkerScratch(worker), sums = inputs + InputFloats, zeros = sums + SumFloats;
        float* source = context.Address(Input) + item * Input.ItemStride + Channels.FirstChannel(block);
        Clear(zeros, pixel);
        for (int strip = (int)firstStrip; strip < endStrip; strip++)
        {
            for (int run = 0; run < _runs; run += _tileRuns)
            {
                int endRun = Math.Min(run + _tileRuns, _runs), columns = Start(endRun) - Start(run) + 2, lines = Lines(strip);
                TransformInput(source, lines, strip * Outputs - Geometry.Top, Start(run) - Geometry.Left, columns, zeros, inputs, Channels.InputPixel(block), pixel);
                Channels.Mix(block, inputs, (lines + 2) * columns);
                for (int vector = Channels.FirstVector(block); vector < Channels.EndVector(block); vector++)
                    Convolve(context, item, strip, run, endRun, vector, inputs, pixel, sums, zeros + pixel);
            }
        }
    }

    /// <summary>Lines of a strip of the output.</summary>
    private int Lines(int strip) => Math.Min(Outputs, Geometry.OutHeight - strip * Outputs);

    /// <summary>Runs of nearly equal length.</summary>
    private int Start(int run) => Geometry.OutWidth * run / _runs;

    /// <summary>Some columns of the lines of the input that a strip needs, for a block of channels; zero outside of the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformInput(float* source, int outputs, int top, int left, int columns, float* zeros, float* target, nint channels, nint targetPixel)
    {
        int first = Math.Clamp(-left, 0, columns), end = Math.Clamp(Geometry.Width - left, first, columns);
        float** lines = stackalloc float*[Inputs];
        nint* pixels = stackalloc nint[Inputs];
        for (int i = 0; i < Inputs; i++)
        {
            bool inside = i < outputs + 2 && (uint)(top + i) < (uint)Geometry.Height;
            lines[i] = inside ? source + (top + i) * (nint)Input.Strides[1] + (left + first) * (nint)Input.Strides[2] : zeros;
            pixels[i] = inside ? (nint)Input.Strides[2] : 0;
            if (i < outputs + 2)
            {
                Clear(target + i * columns * targetPixel, first * targetPixel);
                Clear(target + (i * columns + end) * targetPixel, (columns - end) * targetPixel);
            }
        }
        float* l0 = lines[0], l1 = lines[1], l2 = lines[2], l3 = lines[3], l4 = lines[4], l5 = lines[5];
        nint p0 = pixels[0], p1 = pixels[1], p2 = pixels[2], p3 = pixels[3], p4 = pixels[4], p5 = pixels[5], line = columns * targetPixel;
        target += first * targetPixel;
        for (int x = first; x < end; x++)
        {
            if (outputs == Outputs)
            {
                for (nint c = 0; c < channels; c += T.Count)
                    Winograd4<T>.TransformInput(T.Load(l0 + c), T.Load(l1 + c), T.Load(l2 + c), T.Load(l3 + c), T.Load(l4 + c), T.Load(l5 + c), target + c, line);
            }
            else
            {
                for (nint c = 0; c < channels; c += T.Count)
                    Winograd4<T>.TransformInput(outputs, T.Load(l0 + c), T.Load(l1 + c), T.Load(l2 + c), T.Load(l3 + c), T.Load(l4 + c), target + c, line);
            }
            l0 += p0;
            l1 += p1;
            l2 += p2;
            l3 += p3;
            l4 += p4;
            l5 += p5;
            target += targetPixel;
        }
    }

    /// <summary>Some runs of four lines of the output, one vector of channels.</summary>
    private void Convolve(RunContext context, int item, int strip, int firstRun, int endRun, int vector, float* inputs, nint pixel, float* sums, float* weights)
    {
        int width = Geometry.OutWidth, channel = vector * T.Count, lanes = Math.Min(T.Count, Geometry.OutChannels - channel), lines = Lines(strip);
        nint resultLine = (nint)Result.Strides[1], resultPixel = (nint)Result.Strides[2], line = (Start(endRun) - Start(firstRun) + 2) * pixel;
        float* target = context.Address(Result) + item * Result.ItemStride + strip * Outputs * resultLine + channel, outputs = sums + Inputs * GroupedKernel<T>.MostPixels * T.Count;
        T bias = Bias(channel);
        GroupedRun args = default;
        (bool severalGroups, nint channels) = Channels.Prepare(ref args, vector);
        args.Pixel = pixel;
        args.Lines = 1;
        for (int run = firstRun; run < endRun; run++)
        {
            int x = Start(run), pixels = Start(run + 1) - x, floats = pixels * T.Count;
            for (int i = 0; i < lines + 2; i++)
            {
                args.Source = inputs + channels + i * line + (x - Start(firstRun)) * pixel;
                args.Weights = Weights.Rows(vector * Inputs + i, 0, 0, Weights.K, weights);
                args.Target = sums + i * floats;
                GroupedKernel<T>.Run(severalGroups, 1, pixels, &args);
            }
            TransformOutput(lines, sums, floats, outputs);
            for (int y = 0; y < lines; y++)
            {
                Epilogue.Store(context, outputs + y * floats, bias, target + y * resultLine + x * resultPixel, resultPixel, pixels, lanes,
                    ((long)item * Geometry.OutHeight + strip * Outputs + y) * width + x, channel);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput(int lines, float* sums, nint floats, float* outputs)
    {
        for (nint i = 0; i < floats; i += T.Count)
            Winograd4<T>.TransformOutput(lines, sums + i, floats, outputs + i, floats);
    }
}
