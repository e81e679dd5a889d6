using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Operators that move elements.</content>
internal sealed partial class KernelBinder
{
    private static Kernel Reshape(Shape target)
    {
        long[] tail = Longs(target);
        return x => x[0].reshape([x[0].size(0), .. tail]);
    }

    private static Kernel Permute(PermuteOp op)
    {
        long[] axes = [0, .. op.Axes.Select(a => a + 1L)];
        return x => x[0].permute(axes);
    }

    private static Kernel Concat(ConcatOp op, Node node)
    {
        long axis = Axis(node.Shape, op.Axis);
        if (node.Inputs.All(n => n.IsBatched))
            return x => torch.cat(x.ToArray(), axis);
        return x =>
        {
            long batch = BatchOf(node, x);
            var parts = new Tensor[x.Length];
            for (int i = 0; i < parts.Length; i++)
                parts[i] = Batched(x[i], node.Inputs[i], batch, t => t.alias());
            Tensor result = torch.cat(parts, axis);
            foreach (Tensor part in parts)
                part.Dispose();
            return result;
        };
    }

    private static Kernel Slice(SliceOp op, Node node)
    {
        long axis = Axis(node.Shape, op.Axis), end = op.Start + (op.Length - 1L) * op.Step + 1;
        return x => x[0].slice(axis, op.Start, end, op.Step);
    }

    private static Kernel Roll(RollOp op, Node node)
    {
        long axis = Axis(node.Shape, op.Axis);
        return x => x[0].roll(op.Shift, axis);
    }

    private Kernel Gather(GatherOp op, Node node)
    {
        long axis = Axis(node.Shape, op.Axis);
        using Tensor indices = torch.frombuffer(op.Indices.Select(i => (long)i).ToArray(), ScalarType.Int64);
        Tensor onDevice = Own(indices.to(device, copy: true));
        return x => x[0].index_select(axis, onDevice);
    }

    private static Kernel Expand(Node node)
    {
        Func<Tensor, Tensor>? align = AlignRank(node.Inputs[0], node.Shape.Rank);
        long[] tail = Longs(node.Shape);
        return x =>
        {
            Tensor aligned = align?.Invoke(x[0]) ?? x[0];
            Tensor result = aligned.expand([aligned.size(0), .. tail]);
            DisposeUnless(aligned, x[0]);
            return result;
        };
    }

    /// <summary>PyTorch's order of a border: the last dimension first.</summary>
    private static long[] Border(Padding p) => [p.Left, p.Right, p.Top, p.Bottom];

    private static Kernel Pad2d(Pad2dOp op, Node node)
    {
        long[] border = Border(op.Padding);
        TorchSharp.PaddingModes mode = op.Mode switch
        {
            PadMode.Constant => TorchSharp.PaddingModes.Constant,
            PadMode.Reflect => TorchSharp.PaddingModes.Reflect,
            PadMode.Replicate => TorchSharp.PaddingModes.Replicate,
            _ => throw new NotSupportedException($"The TorchSharp engine has no mapping for {op.Mode} padding (node '{node.Name}')."),
        };
        // PyTorch refuses a value that the mode has no use for.
        double value = op.Mode == PadMode.Constant ? op.Value : 0;
        return AsMaps(node, t => F.pad(t, border, mode, value));
    }

    /// <summary>Runs a function of <c>[N, C, H, W]</c> on a value of any rank whose last two dimensions are the map.</summary>
    private static Kernel AsMaps(Node node, Func<Tensor, Tensor> function)
    {
        if (node.Shape.Rank == 3)
            return x => function(x[0]);
        long[] before = Longs(node.Inputs[0].Shape)[^2..], after = Longs(node.Shape);
        return x =>
        {
            long batch = x[0].size(0);
            using Tensor maps = x[0].reshape([batch, -1, .. before]);
            using Tensor result = function(maps);
            return result.reshape([batch, .. after]);
        };
    }
}
