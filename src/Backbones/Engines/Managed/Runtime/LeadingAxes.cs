namespace Backbones.Engines.Managed;

/// <summary>Walks the leading axes of matrices […, rows, columns]: where matrix g of an item starts. Axes of size 1, and missing ones, are repeated.</summary>
internal sealed class LeadingAxes
{
    private readonly int[] _sizes;
    private readonly long[] _strides;

    /// <param name="view">The matrices.</param>
    /// <param name="leading">The leading dimensions of the result, to which the view's broadcast.</param>
    public LeadingAxes(ValueView view, ReadOnlySpan<int> leading)
    {
        _sizes = leading.ToArray();
        _strides = new long[_sizes.Length];
        int missing = _sizes.Length - (view.Dims.Length - 2);
        for (int i = Math.Max(missing, 0); i < _sizes.Length; i++)
            _strides[i] = view.Dims[i - missing] == 1 ? 0 : view.Strides[i - missing];
        Count = _sizes.Aggregate(1, (n, s) => n * s);
    }

    /// <summary>Matrices per batch item.</summary>
    public int Count { get; }

    public long Offset(int index)
    {
        long offset = 0;
        for (int axis = _sizes.Length - 1; axis >= 0; axis--)
        {
            offset += index % _sizes[axis] * _strides[axis];
            index /= _sizes[axis];
        }
        return offset;
    }
}
