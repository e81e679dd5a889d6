using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Depthwise convolution of a channels-last map. A piece is a band of output lines for a few vectors of channels: its input is copied to
/// scratch vector by vector with the zero border in place, so the loops have no special cases, lines are dense, and channel counts that
/// are large powers of two do not collide in the first-level cache.
/// Where a channel has m outputs, the copy repeats it in m lanes.
/// </summary>
internal sealed unsafe class DepthwiseStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Floats of scratch of a piece: 128 KB.</summary>
    private const int ScratchFloats = 32 * 1024;

    private const int MostVectors = 4;

    private readonly ConvolutionGeometry _geometry;
    private readonly ValueView _input;
    private readonly DepthwiseKernel<T> _kernel;
    private readonly int _vectors;
    private readonly int _multiplier;
    private readonly int _scratchColumns;
    private readonly int _scratchLine;
    private readonly int _pieceVectors;
    private readonly int _bandLines;

    /// <param name="geometry">One that <see cref="ConvolutionGeometry.IsDepthwise"/>.</param>
    /// <param name="input">Channels-last map.</param>
    /// <param name="kernel">The convolution's loops.</param>
    public DepthwiseStep(ConvolutionGeometry geometry, ValueView input, DepthwiseKernel<T> kernel)
    {
        (_geometry, _input, _kernel) = (geometry, input, kernel);
        _vectors = (geometry.OutChannels + T.Count - 1) / T.Count;
        _multiplier = geometry.OutChannels / geometry.Channels;
        _scratchColumns = (geometry.OutWidth - 1) * geometry.Stride.W + (geometry.Kernel.W - 1) * geometry.Dilation.W + 1;
        // At least 8 lines (or all), so that the lines above and below are copied for little more than once.
        _scratchLine = _scratchColumns * T.Count;
        int wanted = Math.Min(8, geometry.OutHeight);
        _pieceVectors = Math.Clamp(ScratchFloats / (_scratchLine * ScratchLines(wanted)), 1, Math.Min(MostVectors, _vectors));
        _bandLines = wanted;
        while (_bandLines < geometry.OutHeight && _pieceVectors * _scratchLine * ScratchLines(_bandLines + 1) <= ScratchFloats)
            _bandLines++;
        _bandLines = (geometry.OutHeight + Bands - 1) / Bands;
    }

    public override long MultiplyAdds => (long)_geometry.OutHeight * _geometry.OutWidth * _geometry.OutChannels * _geometry.Kernel.H * _geometry.Kernel.W;

    public override long WorkerScratch => (long)_pieceVectors * ScratchLines(_bandLines) * _scratchLine;

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
        CopyInput(context.Address(_input) + item * _input.ItemStride + firstVector * T.Count / _multiplier, firstLine * _geometry.Stride.H - _geometry.Top, ScratchLines(lines), vectors, scratch, vectorDistance);

        var source = new DepthwiseSource(scratch, vectorDistance, _scratchLine, T.Count);
        _kernel.Run(context, source, item, firstLine, lines, firstVector, vectors);
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
                float* from = source + (top + y) * line + v * T.Count / _multiplier;
                if (!inside)
                {
                    Clear(to, _scratchLine);
                    continue;
                }
                Clear(to, first * T.Count);
                CopyPixels(from, pixel, to + (nint)first * T.Count, end - first);
                Clear(to + (nint)end * T.Count, (_scratchColumns - end) * T.Count);
            }
        }
    }

    private static void Clear(float* target, int count) => new Span<float>(target, count).Clear();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyPixels(float* source, nint pixel, float* target, int pixels)
    {
        if (_multiplier == 1)
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
            lanes[lane] = lane / _multiplier;
        T indices = T.Load((float*)lanes);
        for (int x = 0; x < pixels; x++)
        {
            T.Store(T.Permute(T.Load(source), indices), target);
            source += pixel;
            target += T.Count;
        }
    }
}
