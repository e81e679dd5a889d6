namespace Backbones.Engines.Managed;

/// <summary>
/// The first two layers of an inverted bottleneck, a 1×1 convolution to many channels and a depthwise one, as one step. A piece is a band of output lines for one panel of the many channels: the lines
/// that it needs are multiplied into scratch, the zero border in place, and convolved there. The wide map, the largest of such a network, is never written, and the depthwise convolution needs no copy
/// with a border of its own. The lines that two bands share are multiplied twice.
/// </summary>
internal sealed unsafe class ExpandDepthwiseStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Floats of scratch of a piece: 288 KB, which stay in the second-level cache with the panel.</summary>
    private const int ScratchFloats = 72 * 1024;

    /// <summary>Floats of a panel: it stays beside them.</summary>
    private const int PanelFloats = 48 * 1024;

    /// <summary>Multiply-adds for each value of the wide map that lines multiplied twice may cost: what is saved is its way to memory and back.</summary>
    private const int MostExtra = 16;

    private readonly ConvolutionGeometry _geometry;
    private readonly ValueView _input;
    private readonly PackedMatrix<T> _expand;
    private readonly ProductEpilogue<T> _expandEpilogue;
    private readonly DepthwiseKernel<T> _kernel;
    private readonly nint _pixel;
    private readonly int _columns;
    private readonly int _bandLines;

    /// <param name="geometry">The depthwise convolution.</param>
    /// <param name="input">Channels-last map, pixels equally far apart.</param>
    /// <param name="expand">Weights and bias of the 1×1 convolution.</param>
    /// <param name="expandEpilogue">Its activation.</param>
    /// <param name="kernel">The depthwise convolution's loops.</param>
    public ExpandDepthwiseStep(ConvolutionGeometry geometry, ValueView input, PackedMatrix<T> expand, ProductEpilogue<T> expandEpilogue, DepthwiseKernel<T> kernel)
    {
        (_geometry, _input, _expand, _expandEpilogue, _kernel) = (geometry, input, expand, expandEpilogue, kernel);
        _pixel = (nint)(input.Rows() ?? throw new ArgumentException("The pixels of the input must be equally far apart.", nameof(input))).Distance;
        // All pixels of a line are multiplied, also those on the right that a stride leaves out.
        _columns = ScratchColumns(geometry);
        _bandLines = BandLines(geometry);
    }

    /// <summary>Whether a depthwise convolution should make its input itself.</summary>
    /// <param name="geometry">The depthwise convolution.</param>
    /// <param name="channels">Input channels of the 1×1 convolution.</param>
    public static bool Pays(ConvolutionGeometry geometry, int channels)
    {
        if (geometry is not { GroupChannels: 1, GroupOutChannels: 1 } || (long)channels * PanelWidth(geometry) > PanelFloats)
            return false;
        int lines = BandLines(geometry), bands = (geometry.OutHeight + lines - 1) / lines;
        long extra = (long)bands * Math.Min(ScratchLines(geometry, lines), geometry.Height) - geometry.Height;
        return extra * channels <= (long)MostExtra * geometry.Height;
    }

    public override long MultiplyAdds
        => (long)_geometry.Height * _geometry.Width * _expand.K * _expand.Columns + (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.Channels * _geometry.Kernel.H * _geometry.Kernel.W;

    public override long WorkerScratch => MapScratch + _expand.RowScratch(_expand.K);

    /// <summary>Floats of scratch for the wide map's lines; weights that have to be widened follow.</summary>
    private long MapScratch => (long)ScratchLines(_geometry, _bandLines) * _columns * _expand.Vectors(0) * T.Count;

    /// <summary>
    /// Vectors of a panel for which the threads finish one image soonest. 192 channels, three panels of four vectors, keep two threads as long as 256 do; as four of three vectors they take 3/4 of that.
    /// </summary>
    public static int PanelVectors(ConvolutionGeometry geometry, int threads)
    {
        int vectors = (geometry.Channels + T.Count - 1) / T.Count, lines = BandLines(geometry), bands = (geometry.OutHeight + lines - 1) / lines, best = T.TileColumns;
        for (int width = T.TileColumns - 1; width > 1; width--)
        {
            if (Longest(width) < Longest(best))
                best = width;
        }
        return best;

        // What the busiest thread does if each piece goes to the one that is free first. A panel costs a part of a vector by itself: its rows are read again.
        double Longest(int width)
        {
            double[] busy = new double[threads];
            for (int first = 0; first < vectors; first += width)
            {
                for (int band = 0; band < bands; band++)
                    busy[Array.IndexOf(busy, busy.Min())] += Math.Min(width, vectors - first) + 0.25;
            }
            return busy.Max();
        }
    }

    private int Bands => (_geometry.OutHeight + _bandLines - 1) / _bandLines;

    private static int PanelWidth(ConvolutionGeometry geometry) => Math.Min(GemmTile<T>.Width, (geometry.Channels + T.Count - 1) / T.Count * T.Count);

    private static int ScratchColumns(ConvolutionGeometry geometry)
        => Math.Max(geometry.Left + geometry.Width, (geometry.OutWidth - 1) * geometry.Stride.W + (geometry.Kernel.W - 1) * geometry.Dilation.W + 1);

    private static int ScratchLines(ConvolutionGeometry geometry, int lines) => (lines - 1) * geometry.Stride.H + (geometry.Kernel.H - 1) * geometry.Dilation.H + 1;

    /// <summary>Output lines of a band: as many as the scratch holds, bands of equal height.</summary>
    private static int BandLines(ConvolutionGeometry geometry)
    {
        long line = (long)ScratchColumns(geometry) * PanelWidth(geometry);
        int most = geometry.OutHeight;
        while (most > 1 && ScratchLines(geometry, most) * line > ScratchFloats)
            most--;
        int bands = (geometry.OutHeight + most - 1) / most;
        return (geometry.OutHeight + bands - 1) / bands;
    }

    public override void Execute(RunContext context) => context.Share(this, 0, context.Batch * Bands * _expand.Panels);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (int row, int panel) = Pieces.Place(context.Batch * Bands, _expand.Panels, context.Pool.Threads, index);
        int band = row % Bands, item = row / Bands;
        int firstLine = band * _bandLines, lines = Math.Min(_bandLines, _geometry.OutHeight - firstLine), vectors = _expand.Vectors(panel);
        float* scratch = context.WorkerScratch(worker);
        Expand(context.Address(_input) + item * _input.ItemStride, panel, firstLine * _geometry.Stride.H - _geometry.Top, ScratchLines(_geometry, lines), scratch, _expand.Rows(0, panel, 0, _expand.K, scratch + MapScratch));
        nint pixel = vectors * T.Count;
        _kernel.Run(context, new DepthwiseSource(scratch, T.Count, _columns * pixel, pixel), item, firstLine, lines, panel * _expand.PanelVectors, vectors);
    }

    /// <summary>A panel's channels of some lines of the wide map.</summary>
    private void Expand(float* source, int panel, int top, int lines, float* target, float* weights)
    {
        int vectors = _expand.Vectors(panel);
        nint pixel = vectors * T.Count, line = _columns * pixel;
        nint start = 0;
        TileArguments args = default;
        args.RunOffsets = &start;
        args.Runs = 1;
        args.Lda = _pixel;
        args.Ldc = pixel;
        args.K = _expand.K;
        args.B = weights;
        args.Start = _expand.Bias(0, panel);
        args.LastLanes = T.Count;
        _expandEpilogue.Prepare(ref args);
        for (int y = 0; y < lines; y++, target += line)
        {
            if ((uint)(top + y) >= (uint)_geometry.Height)
            {
                Clear(target, line);
                continue;
            }
            float* inside = target + _geometry.Left * pixel, end = inside + _geometry.Width * pixel;
            Clear(target, _geometry.Left * pixel);
            GemmTile<T>.RunPanel(&args, source + (nint)(top + y) * _geometry.Width * _pixel, inside, _geometry.Width, vectors, _expandEpilogue.Activation);
            Clear(end, (nint)(target + line - end));
        }
    }

    private static void Clear(float* target, nint count) => new Span<float>(target, (int)count).Clear();
}
