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
        int[] dims = views[0].Dims;
        long[][] strides = [.. views.ToArray().Select(v => v.Strides)];
        int[] order = [.. Enumerable.Range(0, dims.Length).Where(a => dims[a] != 1).OrderByDescending(a => strides[0][a])];
        var axes = new List<(int Size, long[] Strides)>();
        foreach (int axis in order)
        {
            long[] s = [.. strides.Select(v => v[axis])];
            if (axis != order[^1] && axes.Count > 0 && axes[^1].Strides.Zip(s).All(p => p.First == p.Second * dims[axis]))
                axes[^1] = (axes[^1].Size * dims[axis], s);
            else
                axes.Add((dims[axis], s));
        }
        // Kernels count on a contiguous innermost axis of the result.
        if (axes.Count == 0 || axes[^1].Strides[0] != 1)
            axes.Add((1, [.. strides.Select(_ => 1L)]));
        Columns = axes[^1].Size;
        ColumnStrides = axes[^1].Strides;
        axes.RemoveAt(axes.Count - 1);
        _sizes = [.. axes.Select(a => a.Size)];
        _strides = [.. axes.Select(a => a.Strides)];
        _itemStrides = [.. views.ToArray().Select(v => v.ItemStride)];
        RowsPerItem = _sizes.Aggregate(1L, (n, s) => n * s);
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
