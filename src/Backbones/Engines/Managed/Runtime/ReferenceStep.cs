using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>An operator without a kernel of its own: inputs are copied out row-major, the reference kernel runs, its result is copied back. Allocates.</summary>
internal sealed unsafe class ReferenceStep(Node node, ValueView[] inputs, ValueView result) : Step
{
    /// <summary>Whether the managed kernels do not cover a node: none of the models' needs this, but anyone may build a graph that does.</summary>
    public static bool IsNeeded(Node node) => node.Operator switch
    {
        Conv2dOp { HasBias: true } or LinearOp { HasBias: true } => node.Inputs[1].IsBatched || node.Inputs[2].IsBatched,
        Conv2dOp or LinearOp => node.Inputs[1].IsBatched,
        BatchNormOp or LayerNormOp or RmsNormOp or PReluOp or LstmOp => node.Inputs.Skip(1).Any(p => p.IsBatched),
        GroupNormOp => node.Shape.Rank != 3 || node.Inputs.Skip(1).Any(p => p.IsBatched),
        AttentionOp { HasMask: true } => node.Inputs[3].Shape is var mask && (mask.Rank < 2 || mask[^1] != node.Inputs[1].Shape[^2]),
        ResizeOp => node.Shape.Rank != 3,
        _ => false,
    };

    public override void Execute(RunContext context)
    {
        DenseTensor[] values = [.. inputs.Select((view, i) => Read(context, view, node.Inputs[i].Shape))];
        DenseTensor computed = ReferenceKernels.Run(node, values, context.Batch);
        float* target = context.Address(result);
        long[] offsets = Offsets(result);
        for (int n = 0; n < context.Batch; n++)
        {
            ReadOnlySpan<float> item = computed.Item(n);
            for (int i = 0; i < item.Length; i++)
                target[n * result.ItemStride + offsets[i]] = item[i];
        }
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker) => throw new InvalidOperationException("The reference kernels split their work themselves.");

    private static DenseTensor Read(RunContext context, ValueView view, Shape shape)
    {
        int batch = view.ItemStride == 0 ? 1 : context.Batch;
        var tensor = DenseTensor.Zeros(batch, shape);
        float* source = context.Address(view);
        long[] offsets = Offsets(view);
        for (int n = 0; n < batch; n++)
        {
            Span<float> item = tensor.ItemSpan(n);
            for (int i = 0; i < item.Length; i++)
                item[i] = source[n * view.ItemStride + offsets[i]];
        }
        return tensor;
    }

    /// <summary>For every element in row-major order its place in the view.</summary>
    private static long[] Offsets(ValueView view)
    {
        var offsets = new long[view.Length];
        var index = new int[view.Dims.Length];
        long offset = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            offsets[i] = offset;
            for (int axis = view.Dims.Length - 1; axis >= 0; axis--)
            {
                offset += view.Strides[axis];
                if (++index[axis] < view.Dims[axis])
                    break;
                offset -= view.Strides[axis] * view.Dims[axis];
                index[axis] = 0;
            }
        }
        return offsets;
    }
}
