using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Any convolution as a matrix product that reads its patches from the map in place: the values of a patch are runs of contiguous floats
/// (channels of a tap; lines of taps where channels lie without gaps; in planar images the taps of a line), neighbouring output pixels
/// are neighbouring rows at the distance of the stride. Where there is a border, the map is copied with it first, so that no tap is a special case.
/// </summary>
internal sealed unsafe class DirectStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Parts of all patches that are multiplied before the accumulators are stored.</summary>
    private sealed record Block(int FirstRun, int Runs, int Start, int Length, int WeightRow);

    private readonly ConvolutionGeometry _geometry;
    private readonly ValueView _input;
    private readonly ValueView _result;
    private readonly PackedMatrix<T> _weights;
    private readonly ProductEpilogue<T> _epilogue;
    private readonly PatchLayout _layout;
    private readonly Block[] _blocks;
    private readonly nint _resultPixel;

    // That of the last batch size: a step's runs are mostly of one.
    private ProductGrid? _grid;

    /// <param name="geometry">The convolution.</param>
    /// <param name="layout">How patches lie in the input.</param>
    /// <param name="input">The map.</param>
    /// <param name="weights">Packed in the order of the patches.</param>
    /// <param name="result">Channels-last map, pixels equally far apart.</param>
    /// <param name="epilogue">Residual and activation.</param>
    public DirectStep(ConvolutionGeometry geometry, PatchLayout layout, ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue)
    {
        (_geometry, _layout, _input, _weights, _result, _epilogue) = (geometry, layout, input, weights, result, epilogue);
        _resultPixel = (nint)(result.Rows() ?? throw new ArgumentException("The pixels of the result must be equally far apart.", nameof(result))).Distance;
        _blocks = [.. Blocks(layout.RunOffsets.Length, layout.RunLength)];
    }

    public override long MultiplyAdds => (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.OutChannels * _weights.K;

    public override long SharedScratch(int batch) => _layout.IsCopied ? batch * _layout.ItemFloats : 0;

    public override long WorkerScratch => _weights.RowScratch(_blocks.Max(b => b.Runs * b.Length));

    public override void Execute(RunContext context)
    {
        if (_layout.IsCopied)
            context.Share(this, 0, (long)context.Batch * _layout.CopiedLines, _layout.Line);
        context.Share(this, 1, Grid(context).Count);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        if (phase == 0)
            CopyLines(context, index);
        else
            Multiply(context, index, worker);
    }

    private static IEnumerable<Block> Blocks(int runs, int length)
    {
        if (length > ProductGrid.MaxBlockK)
        {
            int parts = (length + ProductGrid.MaxBlockK - 1) / ProductGrid.MaxBlockK;
            for (int run = 0; run < runs; run++)
            {
                for (int part = 0; part < parts; part++)
                {
                    int start = length * part / parts, end = length * (part + 1) / parts;
                    yield return new(run, 1, start, end - start, run * length + start);
                }
            }
            yield break;
        }
        int perBlock = ProductGrid.MaxBlockK / length, blocks = (runs + perBlock - 1) / perBlock;
        for (int block = 0; block < blocks; block++)
        {
            int first = runs * block / blocks, end = runs * (block + 1) / blocks;
            yield return new(first, end - first, 0, length, first * length);
        }
    }

    private ProductGrid Grid(RunContext context)
    {
        long lines = (long)context.Batch * _geometry.OutHeight;
        return _grid is { } grid && grid.Units == lines ? grid
            : _grid = ProductGrid.Of(lines, _geometry.OutWidth, _weights.K, _weights.Panels, GemmTile<T>.Width, _weights.Groups, context.Pool.Threads);
    }

    private void CopyLines(RunContext context, int index)
    {
        (long first, long end) = context.Units(index);
        for (long line = first; line < end; line++)
        {
            long item = line / _layout.CopiedLines;
            int plane = (int)(line % _layout.CopiedLines) / _layout.PlaneLines, y = (int)(line % _layout.PlaneLines) - _geometry.Top;
            float* target = context.SharedScratch + item * _layout.ItemFloats + (line % _layout.CopiedLines) * _layout.Line;
            if ((uint)y < (uint)_geometry.Height)
                CopyLine(context.Address(_input) + item * _input.ItemStride + plane * _input.Strides[0] + y * _input.Strides[1], target);
            else
                Clear(target, 0, _layout.Line);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyLine(float* source, float* target)
    {
        nint pixel = _layout.Pixel, columns = _layout.Line / pixel;
        nint first = Math.Min(_geometry.Left, columns), end = Math.Min(_geometry.Left + _geometry.Width, columns);
        Clear(target, 0, first * pixel);
        Clear(target, end * pixel, _layout.Line);
        nint sourcePixel = (nint)_input.Strides[2];
        if (sourcePixel == pixel)
        {
            new ReadOnlySpan<float>(source, (int)((end - first) * pixel)).CopyTo(new Span<float>(target + first * pixel, (int)((end - first) * pixel)));
            return;
        }
        for (nint x = first; x < end; x++)
            new ReadOnlySpan<float>(source + (x - first) * sourcePixel, (int)pixel).CopyTo(new Span<float>(target + x * pixel, (int)pixel));
    }

    private static void Clear(float* target, nint start, nint end) => new Span<float>(target + start, (int)(end - start)).Clear();

    private void Multiply(RunContext context, int index, int worker)
    {
        (int group, (long firstLine, long endLine), (int firstPanel, int endPanel)) = Grid(context).Piece(index);
        int width = _geometry.OutWidth;

        float* source = (_layout.IsCopied ? context.SharedScratch : context.Address(_input)) + group * _layout.Group;
        float* target = context.Address(_result) + group * _weights.Columns;
        long itemFloats = _layout.IsCopied ? _layout.ItemFloats : _input.ItemStride;
        TileArguments args = default;
        args.Lda = _layout.Pixel * _geometry.Stride.W;
        args.Ldc = _resultPixel;
        fixed (nint* offsets = _layout.RunOffsets)
        {
            foreach (Block block in _blocks)
            {
                args.RunOffsets = offsets + block.FirstRun;
                args.Runs = block.Runs;
                args.K = block.Length;
                bool first = block.WeightRow == 0;
                args.StartDistance = first ? 0 : args.Ldc;
                bool last = block.WeightRow + block.Runs * block.Length == _weights.K;
                for (int panel = firstPanel; panel < endPanel; panel++)
                {
                    int column = panel * GemmTile<T>.Width;
                    args.B = _weights.Rows(group, panel, block.WeightRow, block.Runs * block.Length, context.WorkerScratch(worker));
                    args.LastLanes = _weights.LastLanes(panel);
                    for (long line = firstLine; line < endLine; line++)
                    {
                        float* a = source + line / _geometry.OutHeight * itemFloats + line % _geometry.OutHeight * _geometry.Stride.H * _layout.Line + block.Start;
                        float* c = target + line * width * _resultPixel + column;
                        args.Start = first ? _weights.Bias(group, panel) : c;
                        if (last)
                            _epilogue.Prepare(context, ref args, line * width, group * _weights.Columns + column);
                        GemmTile<T>.RunPanel(&args, a, c, width, _weights.Vectors(panel), last ? _epilogue.Activation : null);
                    }
                }
            }
        }
    }
}
