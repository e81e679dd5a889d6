using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Operators that move elements.</content>
internal static partial class ReferenceKernels
{
    private static void Permute(PermuteOp op, DenseTensor x, DenseTensor y)
    {
        int[] strides = x.Shape.Strides();
        Take(x, y, Offsets([.. op.Axes.Select(axis => strides[axis])], y.Shape));
    }

    private static void Slice(SliceOp op, DenseTensor x, DenseTensor y)
    {
        int axis = x.Shape.Axis(op.Axis);
        AlongAxis(x, y, axis, i => op.Start + i * op.Step);
    }

    private static void Gather(GatherOp op, DenseTensor x, DenseTensor y) => AlongAxis(x, y, x.Shape.Axis(op.Axis), i => op.Indices[i]);

    private static void Roll(RollOp op, DenseTensor x, DenseTensor y)
    {
        int axis = x.Shape.Axis(op.Axis), size = x.Shape[axis];
        AlongAxis(x, y, axis, i => ((i - op.Shift) % size + size) % size);
    }

    private static void Concat(ConcatOp op, DenseTensor[] x, DenseTensor y)
    {
        int axis = y.Shape.Axis(op.Axis);
        (int outer, int total, int inner) = Split(y.Shape, axis);
        ForEachItem(y.Batch, n =>
        {
            int start = 0;
            foreach (DenseTensor part in x)
            {
                int length = part.Shape[axis] * inner;
                for (int o = 0; o < outer; o++)
                    part.Item(n).Slice(o * length, length).CopyTo(y.ItemSpan(n)[(o * total * inner + start)..]);
                start += length;
            }
        });
    }

    private static void Pad2d(Pad2dOp op, DenseTensor x, DenseTensor y)
    {
        (int h, int w, int outH, int outW) = (x.Shape[^2], x.Shape[^1], y.Shape[^2], y.Shape[^1]);
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x.Item(n);
            Span<float> target = y.ItemSpan(n);
            for (int i = 0; i < target.Length; i++)
            {
                int iy = Border(i / outW % outH - op.Padding.Top, h, op.Mode), ix = Border(i % outW - op.Padding.Left, w, op.Mode);
                target[i] = iy < 0 || ix < 0 ? op.Value : source[(i / (outW * outH) * h + iy) * w + ix];
            }
        });
    }

    /// <summary>The source position of a padded one; -1 for the constant.</summary>
    private static int Border(int i, int size, PadMode mode) => (uint)i < (uint)size ? i : mode switch
    {
        PadMode.Replicate => Math.Clamp(i, 0, size - 1),
        PadMode.Reflect => i < 0 ? -i : 2 * (size - 1) - i,
        _ => -1,
    };

    private static void AlongAxis(DenseTensor x, DenseTensor y, int axis, Func<int, int> source)
    {
        (int outer, int size, int inner) = Split(y.Shape, axis);
        int inSize = x.Shape[axis];
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> from = x.Item(n);
            Span<float> to = y.ItemSpan(n);
            for (int o = 0; o < outer; o++)
            {
                for (int i = 0; i < size; i++)
                    from.Slice((o * inSize + source(i)) * inner, inner).CopyTo(to[((o * size + i) * inner)..]);
            }
        });
    }

    private static void Expand(DenseTensor x, DenseTensor y) => Take(x, y, BroadcastOffsets(x.Shape, y.Shape));

    private static void Take(DenseTensor x, DenseTensor y, int[] offsets) => ForEachItem(y.Batch, n =>
    {
        ReadOnlySpan<float> from = x.Item(n);
        Span<float> to = y.ItemSpan(n);
        for (int i = 0; i < to.Length; i++)
            to[i] = from[offsets[i]];
    });
}
