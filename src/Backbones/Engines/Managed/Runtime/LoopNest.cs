namespace Backbones.Engines.Managed;

/// <summary>
/// The loops of an element-by-element operation over several views of equal dimensions. The innermost axis is the first view's contiguous one;
/// outer axes that follow each other without gaps in all views are joined, axes of size 1 dropped. The batch is the outermost axis.
/// </summary>
internal sealed class LoopNest
{
    private readonly int[] _sizes;
    private readonly long[][] _strides;
    private readonly long[] _itemStrides;

    /// <param name="views">The views; a broadcast axis has stride 0. The first is the result and decides the order.</param>
    public LoopNest(params ReadOnlySpan<ValueView> views)
    {
        ValueView[] all = views.ToArray();
        ValueView result = all[0];
        var sizes = new List<int>();
        var strides = new List<long[]>();
        int[] order = result.AxesInMemory();
        foreach (int axis in order)
        {
            int size = result.Dims[axis];
            long[] distances = Array.ConvertAll(all, v => v.Strides[axis]);
            if (axis != order[^1] && sizes.Count > 0 && Follows(strides[^1], distances, size))
                (sizes[^1], strides[^1]) = (sizes[^1] * size, distances);
            else
                Add(size, distances);
        }
        // Kernels count on a contiguous innermost axis of the result.
        if (sizes.Count == 0 || strides[^1][0] != 1)
            Add(1, Array.ConvertAll(all, _ => 1L));
        (Columns, ColumnStrides) = (sizes[^1], strides[^1]);
        _sizes = [.. sizes[..^1]];
        _strides = [.. strides[..^1]];
        _itemStrides = Array.ConvertAll(all, v => v.ItemStride);
        RowsPerItem = 1;
        foreach (int size in _sizes)
            RowsPerItem *= size;

        void Add(int size, long[] distances)
        {
            sizes.Add(size);
            strides.Add(distances);
        }
    }

    /// <summary>Whether an axis of that size follows the axis outside it without gaps, in all views.</summary>
    private static bool Follows(long[] outer, long[] inner, int size)
    {
        for (int view = 0; view < outer.Length; view++)
        {
            if (outer[view] != inner[view] * size)
                return false;
        }
        return true;
    }

    /// <summary>Length of the innermost loop.</summary>
    public int Columns { get; }

    /// <summary>For each view the distance between neighbours of the innermost loop.</summary>
    public long[] ColumnStrides { get; }

    /// <summary>Rounds of the outer loops per batch item.</summary>
    public long RowsPerItem { get; }

    /// <summary>The innermost of the outer loops: rows that can be walked with one step each. 1 where there is none.</summary>
    public int InnerRows => _sizes.Length == 0 ? 1 : _sizes[^1];

    /// <summary>For a view the distance between neighbours of <see cref="InnerRows"/>.</summary>
    public long InnerRowStride(int view) => _sizes.Length == 0 ? 0 : _strides[^1][view];

    /// <summary>Where row <paramref name="row"/> (counted through all batch items) of a view starts.</summary>
    public long Offset(int view, long row)
    {
        long item = row / RowsPerItem, rest = row % RowsPerItem, offset = item * _itemStrides[view];
        for (int axis = _sizes.Length - 1; axis >= 0; axis--)
        {
            offset += rest % _sizes[axis] * _strides[axis][view];
            rest /= _sizes[axis];
        }
        return offset;
    }
}
