using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>
/// Pooling and reductions. ceil_mode is never written: runtimes do not agree on PyTorch's rule for the last window,
/// so the padding is extended to exactly the windows that there are.
/// </content>
internal sealed partial class OnnxGraphBuilder
{
    private string MaxPool2d(Node n, MaxPool2dOp op)
    {
        string x = Value(n.Inputs[0]);
        Padding padding = op.CeilMode ? ExactPadding(n, op.Kernel, op.Stride, op.Padding, op.Dilation) : op.Padding;
        if (IsWiderThan(padding, op.Kernel))
            (x, padding) = (Pad(x, n.Shape.Rank, padding, float.NegativeInfinity), 0);
        return Op("MaxPool", [x], Sizes("kernel_shape", op.Kernel), Sizes("strides", op.Stride), Pads(padding), Sizes("dilations", op.Dilation));
    }

    private string AvgPool2d(Node n, AvgPool2dOp op)
    {
        string x = Value(n.Inputs[0]);
        (Padding given, Padding padding) = (op.Padding, op.CeilMode ? ExactPadding(n, op.Kernel, op.Stride, op.Padding, 1) : op.Padding);
        bool countsPadding = op.CountIncludePad;
        if (countsPadding && (padding.Bottom > given.Bottom || padding.Right > given.Right))
        {
            // The padding counts in the divisor, what the last windows reach beyond it does not: the padding becomes part of the map.
            var border = new Padding(given.Top, given.Left, Math.Min(given.Bottom, padding.Bottom), Math.Min(given.Right, padding.Right));
            x = Pad(x, n.Shape.Rank, border, PooledZero);
            padding = new Padding(0, 0, padding.Bottom - border.Bottom, padding.Right - border.Right);
            countsPadding = false;
        }
        return AveragePool(x, op.Kernel, op.Stride, padding, countsPadding);
    }

    private string AdaptiveAvgPool2d(Node n, AdaptiveAvgPool2dOp op)
    {
        Shape x = n.Inputs[0].Shape;
        string value = Value(n.Inputs[0]);
        if ((op.H, op.W) == (1, 1))
            return Op("GlobalAveragePool", [value]);
        if (x[1] % op.H == 0 && x[2] % op.W == 0)
        {
            Size2 window = (x[1] / op.H, x[2] / op.W);
            return AveragePool(value, window, window, 0, countsPadding: false);
        }
        return Separable(value, x[1], x[2], Windows(x[1], op.H), Windows(x[2], op.W));

        static (int, double)[][] Windows(int size, int count) => [.. Enumerable.Range(0, count).Select(i =>
        {
            int start = i * size / count, end = ((i + 1) * size + count - 1) / count;
            return Enumerable.Range(start, end - start).Select(p => (p, 1.0 / (end - start))).ToArray();
        })];
    }

    private string Reduce(Node n, ReduceOp op)
    {
        string x = Value(n.Inputs[0]);
        // ONNX takes no axes for all axes, the batch included.
        if (op.Axes.IsEmpty)
            throw new NotSupportedException($"'{n.Name}' reduces along no axis; name the axes.");
        int[] axes = [.. op.Axes.Select(a => BatchedAxis(n, a))];
        return op.Kind switch
        {
            ReduceKind.Mean => Reduced("ReduceMean", x, op.KeepDims),
            ReduceKind.Sum => Op("ReduceSum", [x, Integers(axes)], KeepDims(op.KeepDims)),
            ReduceKind.Max => Reduced("ReduceMax", x, op.KeepDims),
            ReduceKind.L2 => Reduced("ReduceL2", x, op.KeepDims),
            ReduceKind.Variance => Variance(),
            _ => throw new NotSupportedException($"The ONNX exporter has no mapping for {op.Kind} (node '{n.Name}')."),
        };

        string Variance()
        {
            string centred = Op("Sub", [x, Reduced("ReduceMean", x, keepDims: true)]);
            return Reduced("ReduceMean", Times(centred, centred), op.KeepDims);
        }

        string Reduced(string type, string value, bool keepDims) => Op(type, [value], OnnxAttribute.Integers("axes", axes), KeepDims(keepDims));

        static OnnxMessage KeepDims(bool keep) => OnnxAttribute.Integer("keepdims", keep ? 1 : 0);
    }

    private string AveragePool(string x, Size2 kernel, Size2 stride, Padding padding, bool countsPadding)
        => Op("AveragePool", [x], Sizes("kernel_shape", kernel), Sizes("strides", stride), Pads(padding), OnnxAttribute.Integer("count_include_pad", countsPadding ? 1 : 0));

    /// <summary>The padding that ends where the last window does.</summary>
    private static Padding ExactPadding(Node n, Size2 kernel, Size2 stride, Padding given, Size2 dilation)
    {
        Shape x = n.Inputs[0].Shape;
        return given with
        {
            Bottom = End(x[1], n.Shape[1], kernel.H, stride.H, given.Top, dilation.H),
            Right = End(x[2], n.Shape[2], kernel.W, stride.W, given.Left, dilation.W),
        };

        static int End(int size, int windows, int kernel, int stride, int before, int dilation)
            => Math.Max(0, (windows - 1) * stride + dilation * (kernel - 1) + 1 - before - size);
    }

    /// <summary>ONNX Runtime takes padding of less than a kernel only.</summary>
    private static bool IsWiderThan(Padding p, Size2 kernel) => Math.Max(p.Top, p.Bottom) >= kernel.H || Math.Max(p.Left, p.Right) >= kernel.W;
}
