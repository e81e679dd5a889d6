using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Pooling and reductions.</content>
internal sealed partial class ScriptBuilder
{
    private string MaxPool2d(Node n, MaxPool2dOp op)
    {
        string x = Value(n.Inputs[0]), kernel = ScriptText.Integers(op.Kernel), stride = ScriptText.Integers(op.Stride), dilation = ScriptText.Integers(op.Dilation);
        if (IsNative(op.Padding, op.Kernel))
            return Call("max_pool2d", x, kernel, stride, ScriptText.Integers(op.Padding.Top, op.Padding.Left), dilation, ScriptText.Truth(op.CeilMode));
        // A border of minus infinity just wide enough for the windows there are: no padding and no ceil mode are left to PyTorch.
        Shape map = n.Inputs[0].Shape;
        Padding border = op.Padding with
        {
            Bottom = (n.Shape[1] - 1) * op.Stride.H + op.Dilation.H * (op.Kernel.H - 1) + 1 - map[1] - op.Padding.Top,
            Right = (n.Shape[2] - 1) * op.Stride.W + op.Dilation.W * (op.Kernel.W - 1) + 1 - map[2] - op.Padding.Left,
        };
        return Call("max_pool2d", Pad(x, border, float.NegativeInfinity), kernel, stride, "[0, 0]", dilation);
    }

    private string AvgPool2d(Node n, AvgPool2dOp op)
    {
        string x = Value(n.Inputs[0]), kernel = ScriptText.Integers(op.Kernel), stride = ScriptText.Integers(op.Stride), ceil = ScriptText.Truth(op.CeilMode);
        if (IsNative(op.Padding, op.Kernel))
            return Call("avg_pool2d", x, kernel, stride, ScriptText.Integers(op.Padding.Top, op.Padding.Left), ceil, ScriptText.Truth(op.CountIncludePad));
        if (op.CountIncludePad)
            return Pooled(x);
        // Means with the border's zeros in them, divided by the share of each window that is no border.
        string ones = Call("ones_like", Call("slice", Call("slice", x, "0", "0", "1"), "1", "0", "1"));
        return Call("div", Pooled(x), Pooled(ones));

        // With the border made by hand ceil mode may add a window that begins in it; PyTorch has none there.
        string Pooled(string t)
        {
            string y = Call("avg_pool2d", Pad(t, op.Padding), kernel, stride, "[0, 0]", ceil);
            return op.CeilMode ? Call("slice", Call("slice", y, "2", "0", $"{n.Shape[1]}"), "3", "0", $"{n.Shape[2]}") : y;
        }
    }

    /// <summary>PyTorch's own padding is the same on opposite sides and at most half a window.</summary>
    private static bool IsNative(Padding p, Size2 kernel) => IsSymmetric(p) && 2 * p.Top <= kernel.H && 2 * p.Left <= kernel.W;

    private string Reduce(Node n, ReduceOp op)
    {
        string x = Value(n.Inputs[0]), keep = ScriptText.Truth(op.KeepDims);
        // PyTorch takes no axes for all axes, the batch included.
        if (op.Axes.IsEmpty)
            throw new NotSupportedException($"'{n.Name}' reduces along no axis; name the axes.");
        string axes = ScriptText.Integers(op.Axes.Select(a => BatchedAxis(n, a)).Distinct());
        return op.Kind switch
        {
            ReduceKind.Mean => Call("mean", x, axes, keep),
            ReduceKind.Sum => Call("sum", x, axes, keep),
            ReduceKind.Max => Call("amax", x, axes, keep),
            ReduceKind.Variance => Call("var", x, axes, "False", keep),
            ReduceKind.L2 => Call("linalg_vector_norm", x, "2", axes, keep),
            _ => throw new NotSupportedException($"The TorchScript exporter has no mapping for {op.Kind} (node '{n.Name}')."),
        };
    }
}
