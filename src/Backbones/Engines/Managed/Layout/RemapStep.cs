namespace Backbones.Engines.Managed;

/// <summary>
/// Copies elements from other places along some axes: rolls, gathers, borders. Each axis has a table of source positions (-1: the constant),
/// or none where positions stay as they are.
/// </summary>
internal sealed unsafe class RemapStep<T> : Step where T : struct, IVector<T>
{
    private readonly ValueView _source;
    private readonly ValueView _target;
    private readonly int[]?[] _tables;
    private readonly float _constant;
    private readonly int[] _outer;
    private readonly int _inner;
    private readonly long _rows;

    /// <param name="source">Input.</param>
    /// <param name="target">Result with as many axes.</param>
    /// <param name="tables">For each axis the source position of every result position, or null.</param>
    /// <param name="constant">Value where there is no source.</param>
    public RemapStep(ValueView source, ValueView target, int[]?[] tables, float constant)
    {
        (_source, _target, _tables, _constant) = (source, target, tables, constant);
        int[] order = ValueView.FallingBy(a => 2 * target.Strides[a] + (target.Dims[a] == 1 ? 1 : 0), target.Dims.Length);
        _outer = order[..^1];
        _inner = order[^1];
        _rows = _outer.Aggregate(1L, (n, a) => n * target.Dims[a]);
    }

    public override void Execute(RunContext context) => context.Share(this, 0, _rows * context.Batch, _target.Dims[_inner]);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        // The places along all outer axes but the innermost of them are found once for all its rows: that costs as much as a copy of a hundred floats.
        int next = _outer.Length > 0 ? _outer[^1] : -1, run = next < 0 ? 1 : _target.Dims[next];
        int[]? nextTable = next < 0 ? null : _tables[next];
        long nextSource = next < 0 ? 0 : _source.Strides[next], nextTarget = next < 0 ? 0 : _target.Strides[next];
        for (long row = first; row < end;)
        {
            long item = row / _rows, rest = row % _rows;
            int start = (int)(rest % run), count = (int)Math.Min(run - start, end - row);
            rest /= run;
            float* from = context.Address(_source) + item * _source.ItemStride, to = context.Address(_target) + item * _target.ItemStride;
            bool outside = false;
            for (int i = _outer.Length - 2; i >= 0; i--)
            {
                int axis = _outer[i], position = (int)(rest % _target.Dims[axis]);
                rest /= _target.Dims[axis];
                int place = _tables[axis] is { } t ? t[position] : position;
                outside |= place < 0;
                from += place * _source.Strides[axis];
                to += position * _target.Strides[axis];
            }
            for (int position = start; position < start + count; position++)
            {
                int place = nextTable is null ? position : nextTable[position];
                Row(outside || place < 0 ? null : from + place * nextSource, to + position * nextTarget);
            }
            row += count;
        }
    }

    /// <summary>One row from <paramref name="from"/>, or of the constant where that is null.</summary>
    private void Row(float* from, float* to)
    {
        int columns = _target.Dims[_inner];
        nint fromStride = (nint)_source.Strides[_inner], toStride = (nint)_target.Strides[_inner];
        int[]? table = _tables[_inner];
        if (from == null)
        {
            for (nint c = 0; c < columns; c++)
                to[c * toStride] = _constant;
        }
        else if (table is null && fromStride == 1 && toStride == 1)
        {
            new ReadOnlySpan<float>(from, columns).CopyTo(new Span<float>(to, columns));
        }
        else
        {
            for (nint c = 0; c < columns; c++)
            {
                nint place = table is null ? c : table[c];
                to[c * toStride] = place < 0 ? _constant : from[place * fromStride];
            }
        }
    }
}
