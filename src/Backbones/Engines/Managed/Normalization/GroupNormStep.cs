using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// Normalises groups of channels over the rows of an item (pixels, channels last), then applies an activation. The map is read twice: once for
/// the mean and the squared deviations of every channel in blocks of rows, whose second pass finds them in the cache, and once to be scaled.
/// Between, the blocks' figures are folded to those of groups in double precision.
/// </summary>
internal sealed unsafe class GroupNormStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Rows of a block. Not a matter of threads: the sums are the same for any number of them.</summary>
    private const int BlockRows = 64;

    /// <summary>Floats that the activation runs over at a time: they are still in the first-level cache.</summary>
    private const int ActivationFloats = 2048;

    private readonly int _groups;
    private readonly float _eps;
    private readonly ValueView _input;
    private readonly AlignedBuffer _scale;
    private readonly AlignedBuffer _shift;
    private readonly UnaryOp? _activation;
    private readonly ValueView _result;
    private readonly RowLayout _from;
    private readonly RowLayout _to;
    private readonly int _padded;
    private readonly int _blocks;

    /// <param name="groups">Number of groups; divides the channels.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="input">Channels-last map, pixels equally far apart.</param>
    /// <param name="scale">Factor of every channel, padded to whole vectors.</param>
    /// <param name="shift">Term of every channel, padded to whole vectors.</param>
    /// <param name="activation">Applied at the end; null for none.</param>
    /// <param name="result">Channels-last map, pixels equally far apart.</param>
    public GroupNormStep(int groups, float eps, ValueView input, AlignedBuffer scale, AlignedBuffer shift, UnaryOp? activation, ValueView result)
    {
        (_groups, _eps, _input, _scale, _shift, _activation, _result) = (groups, eps, input, scale, shift, activation, result);
        _from = input.Rows() ?? throw new ArgumentException("The rows must be equally far apart.", nameof(input));
        _to = result.Rows() ?? throw new ArgumentException("The rows must be equally far apart.", nameof(result));
        _padded = (_from.Columns + T.Count - 1) / T.Count * T.Count;
        _blocks = (int)((_from.Count + BlockRows - 1) / BlockRows);
    }

    // For each item: means and squared deviations of every block, then the groups' means and factors by channel.
    public override long SharedScratch(int batch) => batch * ItemScratch;

    private long ItemScratch => (_blocks + 1L) * 2 * _padded;

    public override void Execute(RunContext context)
    {
        long blocks = (long)_blocks * context.Batch, blockWork = 2L * BlockRows * _from.Columns;
        context.Share(this, 0, blocks, blockWork);
        context.Share(this, 1, (long)_groups * context.Batch, 4L * _blocks * (_from.Columns / _groups));
        context.Share(this, 2, blocks, blockWork);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        if (phase == 1)
        {
            for (long i = first; i < end; i++)
                Fold(context.SharedScratch + i / _groups * ItemScratch, (int)(i % _groups));
            return;
        }
        for (long i = first; i < end; i++)
        {
            long item = i / _blocks, block = i % _blocks, row = block * BlockRows;
            int rows = (int)Math.Min(BlockRows, _from.Count - row);
            float* source = context.Address(_input) + item * _input.ItemStride + row * _from.Distance, scratch = context.SharedScratch + item * ItemScratch;
            if (phase == 0)
                Measure(source, rows, scratch + block * 2 * _padded);
            else
                Apply(source, context.Address(_result) + item * _result.ItemStride + row * _to.Distance, rows, scratch + _blocks * 2L * _padded);
        }
    }

    /// <summary>Mean and sum of squared deviations of each column of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Measure(float* x, int rows, float* target)
    {
        nint distance = (nint)_from.Distance;
        T each = T.Create(1f / rows);
        for (nint c = 0; c < _padded; c += T.Count)
        {
            float* p = x + c;
            T a = T.Zero, b = T.Zero;
            int row = 0;
            for (; row < rows - 1; row += 2, p += 2 * distance)
            {
                a += T.Load(p);
                b += T.Load(p + distance);
            }
            if (row < rows)
                a += T.Load(p);
            T mean = (a + b) * each;
            p = x + c;
            a = b = T.Zero;
            for (row = 0; row < rows - 1; row += 2, p += 2 * distance)
            {
                T d = T.Load(p) - mean, e = T.Load(p + distance) - mean;
                a = T.MultiplyAdd(d, d, a);
                b = T.MultiplyAdd(e, e, b);
            }
            if (row < rows)
            {
                T d = T.Load(p) - mean;
                a = T.MultiplyAdd(d, d, a);
            }
            T.Store(mean, target + c);
            T.Store(a + b, target + _padded + c);
        }
    }

    /// <summary>From the blocks' figures the mean of a group, and the factor of each of its channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Fold(float* blocks, int group)
    {
        int columns = _from.Columns / _groups, first = group * columns;
        double sum = 0, squares = 0, count = (double)_from.Count * columns;
        for (int block = 0; block < _blocks; block++)
        {
            float* means = blocks + block * 2L * _padded + first;
            double total = 0;
            for (int c = 0; c < columns; c++)
                total += means[c];
            sum += total * Rows(block);
        }
        double mean = sum / count;
        for (int block = 0; block < _blocks; block++)
        {
            float* means = blocks + block * 2L * _padded + first, deviations = means + _padded;
            double between = 0;
            for (int c = 0; c < columns; c++)
            {
                double d = means[c] - mean;
                between += d * d;
                squares += deviations[c];
            }
            squares += between * Rows(block);
        }
        float factor = (float)(1 / Math.Sqrt(squares / count + _eps));
        float* target = blocks + _blocks * 2L * _padded + first;
        for (int c = 0; c < columns; c++)
        {
            target[c] = (float)mean;
            target[_padded + c] = factor * _scale.Pointer[first + c];
        }
    }

    private long Rows(int block) => Math.Min(BlockRows, _from.Count - (long)block * BlockRows);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Apply(float* x, float* y, int rows, float* figures)
    {
        float* means = figures, factors = figures + _padded, shift = _shift.Pointer;
        nint from = (nint)_from.Distance, to = (nint)_to.Distance, columns = _from.Columns;
        int most = Math.Max(1, ActivationFloats / _from.Columns);
        for (int row = 0; row < rows; row += most)
        {
            int count = Math.Min(most, rows - row);
            float* target = y + row * to;
            for (int r = 0; r < count; r++)
            {
                float* source = x + (row + r) * from, line = target + r * to;
                nint c = 0;
                for (; c <= columns - T.Count; c += T.Count)
                    T.Store(T.MultiplyAdd(T.Load(source + c) - T.Load(means + c), T.Load(factors + c), T.Load(shift + c)), line + c);
                if (c < columns)
                    T.StoreFirst(T.MultiplyAdd(T.Load(source + c) - T.Load(means + c), T.Load(factors + c), T.Load(shift + c)), line + c, columns - c);
            }
            if (_activation is not null)
                ActivationKernel<T>.Run(_activation, target, to, target, to, count, _from.Columns);
        }
    }
}
