using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Where values lie in memory, and views of them.</content>
internal sealed partial class PlanBuilder<T>
{
    /// <summary>Memory for a value with the axes in that order, outermost first; the innermost is padded to whole vectors.</summary>
    private static ValueView Allocate(ReadOnlySpan<int> dims, ReadOnlySpan<int> order)
    {
        var strides = new long[dims.Length];
        long stride = 1;
        for (int i = order.Length - 1; i >= 0; i--)
        {
            strides[order[i]] = stride;
            stride = checked(stride * dims[order[i]]);
            if (i == order.Length - 1)
                stride = RoundUp(stride);
        }
        return new ValueView(new Storage(StorageKind.Arena, RoundUp(stride)), 0, dims, strides);
    }

    /// <summary>Memory for a row-major value. Axes of size 1 go to the outside, so that the innermost is a real one.</summary>
    private static ValueView Allocate(Shape shape) => Allocate(shape.Dimensions, RowMajorOrder(shape.Dimensions));

    private static int[] RowMajorOrder(ReadOnlySpan<int> dims)
    {
        int[] sizes = dims.ToArray();
        return ValueView.FallingBy(a => sizes[a] == 1 ? 1 : 0, sizes.Length);
    }

    /// <summary>Memory for a map [C, H, W] with the channels innermost.</summary>
    private static ValueView AllocateMap(Shape shape) => Allocate(shape.Dimensions, [1, 2, 0]);

    /// <summary>The axes in the order of memory, outermost first; repeated ones are the innermost.</summary>
    private static int[] Order(ValueView view)
        => ValueView.FallingBy(a => view.Strides[a] == 0 && view.Dims[a] == 1 ? long.MaxValue : 2 * view.Strides[a] + (view.Dims[a] == 1 ? 1 : 0), view.Dims.Length);

    /// <summary>The caller's row-major memory.</summary>
    private static ValueView Dense(StorageKind kind, int index, Shape shape)
        => new(new Storage(kind, shape.Length) { ExternalIndex = index }, 0, shape.Dimensions, Array.ConvertAll(shape.Strides(), s => (long)s));

    private static long RoundUp(long count) => (count + T.Count - 1) / T.Count * T.Count;

    /// <summary>Whether a map's channels are innermost, and whole vectors of them may be read.</summary>
    private static bool IsChannelsLast(ValueView view)
        => view.HasRoom && view.Dims.Length == 3 && (view.Strides[0] == 1 || view.Dims[0] == 1)
        && (view.Dims[2] == 1 || view.Strides[2] >= view.Dims[0]) && (view.Dims[1] == 1 || view.Strides[1] >= Math.Max(1, view.Strides[2]) * view.Dims[2]);

    /// <summary>The map with channels innermost; a copy where it is not.</summary>
    private ValueView ChannelsLast(ValueView view)
    {
        if (IsChannelsLast(view))
            return view;
        ValueView copy = Allocate(view.Dims, [1, 2, 0]);
        Copy(view, copy);
        return copy;
    }

    /// <summary>The map with channels innermost and all pixels equally far apart, row by row.</summary>
    private ValueView PixelRows(ValueView view)
    {
        if (IsChannelsLast(view) && view.Rows() is { } rows && rows.Columns == view.Dims[0] && view.HasRowMajorRows)
            return view;
        ValueView copy = Allocate(view.Dims, [1, 2, 0]);
        Copy(view, copy);
        return copy;
    }

    /// <summary>The value as equally distant rows of its last axis, in row-major order; a copy where it is not.</summary>
    /// <param name="view">The value.</param>
    /// <param name="wholeVectors">Whether rows are read in whole vectors, beyond their end.</param>
    private ValueView LastAxisRows(ValueView view, bool wholeVectors = false)
    {
        if (IsRowMajorRows(view) && (view.HasRoom || !wholeVectors))
            return view;
        ValueView copy = Allocate(view.Dims, [.. Enumerable.Range(0, view.Dims.Length)]);
        Copy(view, copy);
        return copy;
    }

    private static bool IsRowMajorRows(ValueView view)
    {
        int last = view.Dims.Length - 1;
        return view.Strides[last] == 1 && view.Rows() is { } rows && rows.Columns == view.Dims[last] && view.HasRowMajorRows;
    }

    /// <summary>The value with one contiguous axis and no repeated one; a row-major copy where it has none.</summary>
    private ValueView Contiguous(ValueView view)
    {
        if (view.InnerAxis >= 0 && !view.IsRepeated)
            return view;
        ValueView copy = Allocate(view.Dims, RowMajorOrder(view.Dims));
        Copy(view, copy);
        return copy;
    }

    private static ValueView SwapLast(ValueView view)
    {
        int[] dims = [.. view.Dims];
        long[] strides = [.. view.Strides];
        (dims[^1], dims[^2]) = (dims[^2], dims[^1]);
        (strides[^1], strides[^2]) = (strides[^2], strides[^1]);
        return new ValueView(view.Storage, view.Offset, dims, strides);
    }

    /// <summary>The value contiguous along an axis, in memory of which whole vectors may be read; a copy where it is not.</summary>
    private ValueView ContiguousAlong(ValueView view, int axis)
    {
        if (view.Strides[axis] == 1 && view.HasRoom && Order(view)[^1] == axis)
            return view;
        ValueView copy = Allocate(view.Dims, [.. Enumerable.Range(0, view.Dims.Length).Where(a => a != axis), axis]);
        Copy(view, copy);
        return copy;
    }

    /// <summary>The view with larger dimensions, by broadcasting: repeated axes have stride 0.</summary>
    private static ValueView Repeat(ValueView view, ReadOnlySpan<int> dims)
    {
        var strides = new long[dims.Length];
        int missing = dims.Length - view.Dims.Length;
        for (int i = missing; i < strides.Length; i++)
            strides[i] = view.Dims[i - missing] == 1 ? 0 : view.Strides[i - missing];
        return new ValueView(view.Storage, view.Offset, dims, strides);
    }

    /// <summary>The view with the dimensions of <paramref name="result"/>, contiguous or repeated along its innermost axis.</summary>
    private ValueView Broadcast(ValueView view, ValueView result, int inner)
    {
        ValueView repeated = Repeat(view, result.Dims);
        if (inner < 0 || result.Dims[inner] == 1 || repeated.Strides[inner] is 0 or 1)
            return repeated;
        int first = result.Dims.Length - view.Dims.Length;
        int[] order = [.. ValueView.FallingBy(a => result.Strides[first + a], view.Dims.Length).Where(a => first + a != inner), inner - first];
        // What is repeated is copied once.
        var once = new ValueView(view.Storage, view.Offset, [.. view.Dims.Select((d, a) => view.Strides[a] == 0 ? 1 : d)], view.Strides);
        ValueView copy = Allocate(once.Dims, order);
        Copy(once, copy);
        return Repeat(copy, result.Dims);
    }

    /// <summary>Elements start to start + length along an axis.</summary>
    private static ValueView Part(ValueView view, int axis, int start, int length)
    {
        int[] dims = [.. view.Dims];
        dims[axis] = length;
        return new ValueView(view.Storage, view.Offset + start * view.Strides[axis], dims, view.Strides);
    }

    /// <summary>The same memory under another shape, where each run of merged axes lies without gaps; null where it does not.</summary>
    private static ValueView? TryReshape(ValueView view, Shape shape)
    {
        var strides = new long[shape.Rank];
        int from = 0, to = 0;
        while (from < view.Dims.Length || to < shape.Rank)
        {
            // The shortest runs of old and new axes with equal products.
            int fromStart = from, toStart = to;
            long oldSize = from < view.Dims.Length ? view.Dims[from++] : 1, newSize = to < shape.Rank ? shape[to++] : 1;
            while (oldSize != newSize)
            {
                if (oldSize < newSize)
                    oldSize *= view.Dims[from++];
                else
                    newSize *= shape[to++];
            }
            long distance = 0;
            bool any = false;
            for (int i = from - 1; i >= fromStart; i--)
            {
                if (view.Dims[i] == 1)
                    continue;
                if (!any)
                    (distance, any) = (view.Strides[i], true);
                else if (view.Strides[i] != distance)
                    return null;
                distance *= view.Dims[i];
            }
            long stride = any ? LastStride(view, fromStart, from) : 1;
            for (int i = to - 1; i >= toStart; i--)
            {
                strides[i] = stride;
                stride *= shape[i];
            }
        }
        return new ValueView(view.Storage, view.Offset, shape.Dimensions, strides);
    }

    private static long LastStride(ValueView view, int start, int end)
    {
        for (int i = end - 1; i >= start; i--)
        {
            if (view.Dims[i] != 1)
                return view.Strides[i];
        }
        return 1;
    }

    private static long[] RowMajorStrides(int[] dims)
    {
        var strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= dims[i];
        }
        return strides;
    }
}
