using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Normalisations.</content>
internal sealed partial class KernelBinder
{
    private static Kernel BatchNorm(BatchNormOp op, Node node)
    {
        long axis = Axis(node.Shape, op.Axis);
        if (axis == 1)
            return x => F.batch_norm(x[0], x[3], x[4], x[1], x[2], false, 0.1, op.Eps);
        return x =>
        {
            using Tensor channelsFirst = x[0].transpose(1, axis);
            using Tensor y = F.batch_norm(channelsFirst, x[3], x[4], x[1], x[2], false, 0.1, op.Eps);
            return y.transpose(1, axis);
        };
    }

    private static Kernel LayerNorm(LayerNormOp op, Node node)
    {
        long[] size = [node.Shape[node.Shape.Axis(op.Axis)]];
        return AlongLast(node, op.Axis, x => x.Length == 1 ? F.layer_norm(x[0], size, null, null, op.Eps) : F.layer_norm(x[0], size, x[1], x[2], op.Eps));
    }

    private Kernel RmsNorm(RmsNormOp op, Node node)
    {
        long[] last = [-1];
        Scalar eps = Number(op.Eps);
        return AlongLast(node, op.Axis, x =>
        {
            Tensor y = InFloat32(x[0], t =>
            {
                using Tensor power = op.Centered ? t.var(last, true, true) : MeanSquare(t);
                power.add_(eps).rsqrt_();
                return t.mul(power);
            });
            return x.Length == 1 ? y : y.mul_(x[1]);
        });

        Tensor MeanSquare(Tensor t)
        {
            using Tensor square = t.mul(t);
            return square.mean(last, true);
        }
    }

    /// <summary>
    /// libtorch's kernel for channels-last maps on the CPU takes a group's variance as the mean of squares less the square of the mean, and is off by 1e-4 where the mean is ten times the
    /// deviation; that for planes is not. So maps of float32 are normalised as planes there; half types have fewer digits to lose.
    /// </summary>
    private static Kernel GroupNorm(GroupNormOp op) => x =>
    {
        if (x[0].device_type != TorchSharp.DeviceType.CPU || x[0].dtype != ScalarType.Float32 || x[0].is_contiguous())
            return F.group_norm(x[0], op.Groups, x[1], x[2], op.Eps);
        using Tensor planes = x[0].contiguous();
        return MemoryLayout.ToChannelsLast(F.group_norm(planes, op.Groups, x[1], x[2], op.Eps), disposeSource: true);
    };

    /// <summary>Moves the axis to the end, runs the kernel there, and moves it back: both are views, and free for channels of a channels-last map.</summary>
    private static Kernel AlongLast(Node node, int axis, Kernel kernel)
    {
        int rank = node.Shape.Rank, at = node.Shape.Axis(axis);
        if (at == rank - 1)
            return kernel;
        long[] toLast = [.. Enumerable.Range(0, rank + 1).Where(i => i != at + 1).Select(i => (long)i), at + 1];
        long[] back = [.. Enumerable.Range(0, rank + 1).Select(i => (long)Array.IndexOf(toLast, i))];
        return x =>
        {
            using Tensor moved = x[0].permute(toLast);
            Tensor[] arguments = [moved, .. x[1..]];
            using Tensor y = kernel(arguments);
            return y.permute(back);
        };
    }

    private static Kernel Softmax(SoftmaxOp op, Node node)
    {
        long axis = Axis(node.Shape, op.Axis);
        return x => F.softmax(x[0], axis);
    }
}
