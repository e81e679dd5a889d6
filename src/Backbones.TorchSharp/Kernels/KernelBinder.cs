using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>Computes one node from its inputs' values: a new tensor, or the very input that it was allowed to write over.</summary>
internal delegate Tensor Kernel(ReadOnlySpan<Tensor> x);

/// <summary>
/// Turns operators into calls of TorchSharp for one device. Sizes, strides and numbers are made once, here. A batched value is
/// <c>[N, shape…]</c>, so axes count from 1; a weight has no batch dimension and broadcasts from the right. Nodes of <paramref name="full"/>
/// are float32 whatever the type.
/// </summary>
internal sealed partial class KernelBinder(torch.Device device, ScalarType type, HashSet<Node> full) : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>The kernel of a node.</summary>
    /// <param name="node">A batched node.</param>
    /// <param name="overwrites">The input whose memory the result may take, or -1.</param>
    /// <exception cref="NotSupportedException">There is no mapping for the operator.</exception>
    public Kernel Bind(Node node, int overwrites)
    {
        if (!FullPrecision.Passes(node.Operator) || !(full.Contains(node) || node.Inputs.Any(full.Contains)))
            return Map(node, overwrites);
        if (!full.Contains(node))
            return Rounded(Map(node, overwrites));
        // In place a result has its input's type.
        Kernel kernel = Map(node, overwrites >= 0 && full.Contains(node.Inputs[overwrites]) ? overwrites : -1);
        return node.Inputs.Any(full.Contains) ? kernel : Widened(kernel);
    }

    /// <summary>Makes the first input float32: PyTorch gives a result of two types in the wider one.</summary>
    private static Kernel Widened(Kernel kernel) => x =>
    {
        using Tensor wide = x[0].to_type(ScalarType.Float32);
        return x.Length == 1 ? kernel([wide]) : kernel([wide, x[1]]);
    };

    private Kernel Rounded(Kernel kernel) => x =>
    {
        Tensor wide = kernel(x), rounded = wide.to_type(type);
        foreach (Tensor input in x)
        {
            if (ReferenceEquals(input, wide))
                return rounded;
        }
        wide.Dispose();
        return rounded;
    };

    private Kernel Map(Node node, int overwrites) => node.Operator switch
    {
        Conv2dOp op => Conv2d(op, node),
        LinearOp op => Linear(op),
        BatchNormOp op => BatchNorm(op, node),
        LayerNormOp op => LayerNorm(op, node),
        RmsNormOp op => RmsNorm(op, node),
        GroupNormOp op => GroupNorm(op),
        UnaryOp op => Unary(op, overwrites == 0),
        BinaryOp op => Binary(op, node, overwrites),
        PReluOp => x => F.prelu(x[0], x[1]),
        MaxPool2dOp op => MaxPool2d(op, node),
        AvgPool2dOp op => AvgPool2d(op, node),
        AdaptiveAvgPool2dOp op => AdaptiveAvgPool2d(op),
        ReduceOp op => Reduce(op, node),
        MatMulOp op => MatMul(op, node),
        SoftmaxOp op => Softmax(op, node),
        LstmOp => Lstm(node),
        AttentionOp op => Attention(op, node),
        IdentityOp => x => x[0].alias(),
        ReshapeOp op => Reshape(op.Target),
        PermuteOp op => Permute(op),
        ConcatOp op => Concat(op, node),
        SliceOp op => Slice(op, node),
        Pad2dOp op => Pad2d(op, node),
        ResizeOp op => Resize(op, node),
        RollOp op => Roll(op, node),
        GatherOp op => Gather(op, node),
        ExpandOp => Expand(node),
        _ => throw new NotSupportedException($"The TorchSharp engine has no mapping for {node.Operator.GetType().Name} (node '{node.Name}')."),
    };

    /// <summary>Frees the numbers and index tensors that kernels hold.</summary>
    public void Dispose()
    {
        _owned.ForEach(o => o.Dispose());
        _owned.Clear();
    }

    private T Own<T>(T value) where T : IDisposable
    {
        _owned.Add(value);
        return value;
    }

    /// <summary>A number for TorchSharp: a native object, made once.</summary>
    private Scalar Number(float value) => Own<Scalar>(value);

    /// <summary>An axis of a node's shape as an axis of the batched tensor.</summary>
    private static long Axis(Shape shape, int axis) => shape.Axis(axis) + 1;

    private static long[] Longs(Shape shape) => [.. shape.Dimensions.ToArray().Select(d => (long)d)];

    /// <summary>The value with ones after the batch until its rank is <paramref name="rank"/>, for broadcasting; null when nothing is missing.</summary>
    private static Func<Tensor, Tensor>? AlignRank(Node input, int rank)
    {
        if (!input.IsBatched || input.Shape.Rank >= rank)
            return null;
        long[] tail = [.. Enumerable.Repeat(1L, rank - input.Shape.Rank), .. Longs(input.Shape)];
        return x => x.reshape([x.size(0), .. tail]);
    }

    /// <summary>Calls a function of two tensors with aligned ranks.</summary>
    private static Kernel Aligned(Node node, int rank, Func<Tensor, Tensor, Tensor> function)
    {
        Func<Tensor, Tensor>? first = AlignRank(node.Inputs[0], rank), second = AlignRank(node.Inputs[1], rank);
        if (first is null && second is null)
            return x => function(x[0], x[1]);
        return x =>
        {
            Tensor a = first?.Invoke(x[0]) ?? x[0], b = second?.Invoke(x[1]) ?? x[1];
            Tensor result = function(a, b);
            DisposeUnless(a, x[0]);
            DisposeUnless(b, x[1]);
            return result;
        };
    }

    private static void DisposeUnless(Tensor value, Tensor kept)
    {
        if (!ReferenceEquals(value, kept))
            value.Dispose();
    }

    /// <summary>The result of <paramref name="function"/>, with its argument freed where it is another object.</summary>
    private static Tensor Then(Tensor x, Func<Tensor, Tensor> function)
    {
        Tensor result = function(x);
        DisposeUnless(x, result);
        return result;
    }

    private bool IsHalf => type is ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>Runs what half types have not the range or precision for in float32, and gives back the engine's type, or float32 where that is wanted.</summary>
    private Tensor InFloat32(Tensor x, Func<Tensor, Tensor> function, bool stays = false)
    {
        if (!IsHalf)
            return function(x);
        using Tensor wide = x.to_type(ScalarType.Float32);
        Tensor result = function(wide);
        return stays ? result : Then(result, y => y.to_type(type));
    }
}
