namespace Backbones.Engines.Managed;

/// <summary>
/// A value as the kernels see it: dimensions of one batch item with a distance in memory for each, so that permutations, slices and
/// most reshapes are other views of the same storage. Feature maps [C, H, W] are stored with the channels innermost.
/// </summary>
internal sealed class ValueView
{
    public ValueView(Storage storage, long offset, ReadOnlySpan<int> dims, ReadOnlySpan<long> strides)
    {
        Storage = storage;
        Offset = offset;
        Dims = dims.ToArray();
        Strides = strides.ToArray();
    }

    public Storage Storage { get; }

    /// <summary>First element, in floats from the start of an item's storage.</summary>
    public long Offset { get; }

    public int[] Dims { get; }

    public long[] Strides { get; }

    /// <summary>Floats from one batch item to the next; 0 for constants.</summary>
    public long ItemStride => Storage.ItemSize;

    /// <summary>Whether a whole vector may be read from any element on: our own memory has room beyond every row, the caller's ends where it ends.</summary>
    public bool HasRoom => Storage.Kind is StorageKind.Arena or StorageKind.Constant;

    /// <summary>Whether an axis repeats the same elements (stride 0).</summary>
    public bool IsRepeated
    {
        get
        {
            for (int i = 0; i < Dims.Length; i++)
            {
                if (Strides[i] == 0 && Dims[i] > 1)
                    return true;
            }
            return false;
        }
    }

    /// <summary>The axis whose elements are contiguous; -1 where there is none.</summary>
    public int InnerAxis
    {
        get
        {
            int inner = -1;
            for (int i = 0; i < Dims.Length; i++)
            {
                if (Strides[i] == 1 && (inner < 0 || Dims[i] >= Dims[inner]))
                    inner = i;
            }
            return inner;
        }
    }

    public long Length => Dims.Aggregate(1L, (n, d) => n * d);

    /// <summary>Whether <see cref="Rows"/> walks the rows in row-major order.</summary>
    public bool HasRowMajorRows
    {
        get
        {
            long outer = long.MaxValue;
            for (int i = 0; i < Dims.Length; i++)
            {
                if (Dims[i] == 1 || i == InnerAxis)
                    continue;
                if (Strides[i] > outer)
                    return false;
                outer = Strides[i];
            }
            return true;
        }
    }

    /// <summary>
    /// The view as a matrix whose rows are contiguous: the axis with distance 1 gives the columns, all others, in the order of memory, the rows.
    /// Null where the rows are not equally far apart.
    /// </summary>
    public RowLayout? Rows()
    {
        int inner = InnerAxis;
        int columns = inner < 0 ? 1 : Dims[inner];
        long rows = 1, distance = 0;
        foreach (int axis in FallingBy(axis => -Strides[axis], Dims.Length))
        {
            if (axis == inner || Dims[axis] == 1)
                continue;
            if (rows == 1)
                distance = Strides[axis];
            else if (Strides[axis] != rows * distance)
                return null;
            rows *= Dims[axis];
        }
        if (rows == 1)
            distance = ItemStride;
        else if (ItemStride != 0 && ItemStride != rows * distance)
            return null;
        return distance < columns && ItemStride != 0 ? null : new RowLayout(rows, columns, distance);
    }

    /// <summary>The axes that have more than one element in the order of memory, outermost first.</summary>
    public int[] AxesInMemory() => Array.FindAll(FallingBy(axis => Strides[axis], Dims.Length), axis => Dims[axis] != 1);

    /// <summary>Axes from the largest key to the smallest, equal ones in their order. LINQ's sorting is compiled by .NET for each kind of key, in the time of a first output.</summary>
    public static int[] FallingBy(Func<int, long> key, int axes)
    {
        var order = new int[axes];
        for (int axis = 0; axis < axes; axis++)
        {
            int place = axis;
            for (; place > 0 && key(order[place - 1]) < key(axis); place--)
                order[place] = order[place - 1];
            order[place] = axis;
        }
        return order;
    }
}

/// <summary>A matrix in memory: <paramref name="Count"/> rows per batch item of <paramref name="Columns"/> contiguous floats, <paramref name="Distance"/> floats apart across items too.</summary>
internal readonly record struct RowLayout(long Count, int Columns, long Distance);
