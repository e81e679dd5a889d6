using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Pooling and reductions.</content>
internal sealed partial class KernelBinder
{
    private static Kernel MaxPool2d(MaxPool2dOp op, Node node)
    {
        long[] kernel = [op.Kernel.H, op.Kernel.W], stride = [op.Stride.H, op.Stride.W], dilation = [op.Dilation.H, op.Dilation.W];
        if (IsNative(op.Padding, op.Kernel))
        {
            long[] padding = [op.Padding.Top, op.Padding.Left];
            return x => F.max_pool2d(x[0], kernel, stride, padding, dilation, op.CeilMode);
        }
        // A border of minus infinity just wide enough for the windows there are: no padding and no ceil mode are left to PyTorch.
        Shape map = node.Inputs[0].Shape;
        long bottom = (node.Shape[1] - 1L) * op.Stride.H + op.Dilation.H * (op.Kernel.H - 1L) + 1 - map[1] - op.Padding.Top;
        long right = (node.Shape[2] - 1L) * op.Stride.W + op.Dilation.W * (op.Kernel.W - 1L) + 1 - map[2] - op.Padding.Left;
        long[] border = [op.Padding.Left, right, op.Padding.Top, bottom], none = [0, 0];
        return x =>
        {
            using Tensor padded = F.pad(x[0], border, TorchSharp.PaddingModes.Constant, double.NegativeInfinity);
            return F.max_pool2d(padded, kernel, stride, none, dilation);
        };
    }

    private static Kernel AvgPool2d(AvgPool2dOp op, Node node)
    {
        long[] kernel = [op.Kernel.H, op.Kernel.W], stride = [op.Stride.H, op.Stride.W];
        if (IsNative(op.Padding, op.Kernel))
        {
            long[] padding = [op.Padding.Top, op.Padding.Left];
            return x => F.avg_pool2d(x[0], kernel, stride, padding, op.CeilMode, op.CountIncludePad);
        }
        long[] border = Border(op.Padding), none = [0, 0];
        if (op.CountIncludePad)
            return x => Pooled(x[0]);
        // Means with the border's zeros in them, divided by the share of each window that is no border.
        return x =>
        {
            using Tensor means = Pooled(x[0]);
            using Tensor ones = x[0].new_ones(1, 1, x[0].size(2), x[0].size(3));
            using Tensor shares = Pooled(ones);
            return means.div(shares);
        };

        Tensor Pooled(Tensor t)
        {
            using Tensor padded = F.pad(t, border, TorchSharp.PaddingModes.Constant, 0);
            return Exact(F.avg_pool2d(padded, kernel, stride, none, op.CeilMode));
        }

        // With the border made by hand ceil mode may add a window that begins in it; PyTorch has none there.
        Tensor Exact(Tensor t) => Then(Then(t, y => Narrow(y, 2, node.Shape[1])), y => Narrow(y, 3, node.Shape[2]));

        static Tensor Narrow(Tensor t, int axis, long length) => t.size(axis) == length ? t : t.narrow(axis, 0, length);
    }

    /// <summary>PyTorch's own padding is the same on opposite sides and at most half a window.</summary>
    private static bool IsNative(Padding p, Size2 kernel) => p.Top == p.Bottom && p.Left == p.Right && 2 * p.Top <= kernel.H && 2 * p.Left <= kernel.W;

    private static Kernel AdaptiveAvgPool2d(AdaptiveAvgPool2dOp op)
    {
        long[] size = [op.H, op.W];
        return x => F.adaptive_avg_pool2d(x[0], size);
    }

    private Kernel Reduce(ReduceOp op, Node node)
    {
        Shape shape = node.Inputs[0].Shape;
        long[] axes = [.. op.Axes.Select(a => Axis(shape, a)).Distinct()];
        if (axes.Length == 0)
            throw new NotSupportedException($"A reduction over no axis (node '{node.Name}') has no meaning here.");
        bool stays = full.Contains(node);
        return op.Kind switch
        {
            ReduceKind.Mean => x => x[0].mean(axes, op.KeepDims),
            ReduceKind.Sum => x => InFloat32(x[0], t => t.sum(axes, op.KeepDims), stays),
            ReduceKind.Max => x => x[0].amax(axes, op.KeepDims),
            ReduceKind.Variance => x => InFloat32(x[0], t => t.var(axes, false, op.KeepDims), stays),
            ReduceKind.L2 => x => InFloat32(x[0], t =>
            {
                using Tensor squares = t.mul(t);
                return squares.sum(axes, op.KeepDims).sqrt_();
            }, stays),
            _ => throw new NotSupportedException($"The TorchSharp engine has no mapping for {op.Kind} (node '{node.Name}')."),
        };
    }
}
