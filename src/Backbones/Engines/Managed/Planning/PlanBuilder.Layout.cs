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
        return [.. Enumerable.Range(0, sizes.Length).OrderBy(a => sizes[a] != 1)];
    }

    /// <summary>Memory for a map [C, H, W] with the channels innermost.</summary>
    private static ValueView AllocateMap(Shape shape) => Allocate(shape.Dimensions, [1, 2, 0]);

    /// <summary>The axes in the order of memory, outermost first.</summary>
    private static int[] Order(ValueView view)
        => [.. Enumerable.Range(0, view.Dims.Length).OrderByDescending(a => (view.Strides[a], view.Dims[a] == 1, -a))];

    /// <summary>The caller's row-major memory.</summary>
    private static ValueView Dense(StorageKind kind, int index, Shape shape)
        => new(new Storage(kind, shape.Length) { ExternalIndex = index }, 0, shape.Dimensions, [.. shape.Strides().Select(s => (long)s)]);

    private static long RoundUp(long count) => (count + T.Count - 1) / T.Count * T.Count;

    /// <summary>Whether a map's channels are innermost. Kernels may read a vector beyond a row, so the caller's memory does not count.</summary>
    private static bool IsChannelsLast(ValueView view)
        => view.Storage.Kind is not (StorageKind.Input or StorageKind.Output) && view.Dims.Length == 3 && (view.Strides[0] == 1 || view.Dims[0] == 1)
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
        if (IsChannelsLast(view) && view.Rows() is { } rows && rows.Columns == view.Dims[0] && view.RowAxes().SequenceEqual(view.RowAxes().Order()))
            return view;
        ValueView copy = Allocate(view.Dims, [1, 2, 0]);
        Copy(view, copy);
        return copy;
    }

    /// <summary>The value as equally distant rows of its last axis, in row-major order; a copy where it is not.</summary>
    private ValueView LastAxisRows(ValueView view)
    {
        if (IsRowMajorRows(view))
            return view;
        ValueView copy = Allocate(view.Dims, [.. Enumerable.Range(0, view.Dims.Length)]);
        Copy(view, copy);
        return copy;
    }

    private static bool IsRowMajorRows(ValueView view)
    {
        int last = view.Dims.Length - 1;
        return view.Strides[last] == 1 && view.Rows() is { } rows && rows.Columns == view.Dims[last] && view.RowAxes().SequenceEqual(view.RowAxes().Order());
    }

    private ValueView Permute(Node node, PermuteOp op)
    {
        ValueView x = Value(node.Inputs[0]);
        return new ValueView(x.Storage, x.Offset, node.Shape.Dimensions, [.. op.Axes.Select(a => x.Strides[a])]);
    }

    private ValueView Slice(Node node, SliceOp op)
    {
        ValueView x = Value(node.Inputs[0]);
        int axis = node.Inputs[0].Shape.Axis(op.Axis);
        long[] strides = [.. x.Strides];
        strides[axis] *= op.Step;
        return new ValueView(x.Storage, x.Offset + op.Start * x.Strides[axis], node.Shape.Dimensions, strides);
    }

    private ValueView Reshape(Node node)
    {
        ValueView x = Value(node.Inputs[0]);
        if (TryReshape(x, node.Shape) is { } view)
            return view;
        // Merged axes must lie without gaps: a row-major copy, without padding unless the last axis stays as it is.
        bool padded = node.Shape.Rank > 0 && x.Dims.Length > 0 && x.Dims[^1] > 1 && node.Shape[node.Shape.Rank - 1] == x.Dims[^1];
        ValueView copy = padded
            ? Allocate(x.Dims, RowMajorOrder(x.Dims))
            : new ValueView(new Storage(StorageKind.Arena, RoundUp(x.Length)), 0, x.Dims, RowMajorStrides(x.Dims));
        Copy(x, copy);
        return TryReshape(copy, node.Shape) ?? throw new InvalidOperationException($"A row-major copy of [{string.Join(", ", x.Dims)}] has no view {node.Shape}.");
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
