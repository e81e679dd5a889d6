using System.Collections.Immutable;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Runs one operator of the graph with the reference kernels.</summary>
internal static class Operators
{
    /// <summary>An operator over whole tensors: all dimensions are the item's.</summary>
    public static Tensor Run(Operator op, params ReadOnlySpan<Tensor> x)
    {
        var inputs = new Node[x.Length];
        var values = new ReferenceTensor[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            inputs[i] = Input(ShapeOf(x[i].shape));
            values[i] = new ReferenceTensor(x[i].ToArray(), 1, inputs[i].Shape);
        }
        return Result(Node(op, [.. inputs]), values, 1, x[0].dtype);
    }

    /// <summary>An operator that knows the batch: the first tensor is <c>[N, …]</c>, the others are weights.</summary>
    public static Tensor RunBatched(Operator op, params ReadOnlySpan<Tensor?> x)
    {
        var inputs = new List<Node>();
        var values = new List<ReferenceTensor>();
        int batch = checked((int)x[0]!.shape[0]);
        foreach (Tensor? tensor in x)
        {
            if (tensor is null)
                continue;
            bool first = inputs.Count == 0;
            inputs.Add(Input(ShapeOf(first ? tensor.shape[1..] : tensor.shape)));
            values.Add(new ReferenceTensor(tensor.ToArray(), first ? batch : 1, inputs[^1].Shape));
        }
        return Result(Node(op, [.. inputs]), [.. values], batch, x[0]!.dtype, batched: true);
    }

    public static Tensor Concat(Tensor[] tensors, long dim) => Run(new ConcatOp(checked((int)dim)), tensors);

    public static Shape ShapeOf(ReadOnlySpan<long> dims)
    {
        var shape = new int[dims.Length];
        for (int i = 0; i < shape.Length; i++)
            shape[i] = checked((int)dims[i]);
        return Shape.Create(shape);
    }

    private static Node Input(Shape shape) => new("x", new InputOp(shape), []);

    /// <summary>What does not fit is an error of the native library's kind, as in TorchSharp.</summary>
    private static Node Node(Operator op, ImmutableArray<Node> inputs)
    {
        try
        {
            return new Node(op.GetType().Name, op, inputs);
        }
        catch (GraphException e)
        {
            throw new System.Runtime.InteropServices.ExternalException(e.Message, e);
        }
    }

    private static Tensor Result(Node node, ReferenceTensor[] values, int batch, ScalarType type, bool batched = false)
    {
        ReferenceTensor y = ReferenceKernels.Run(node, values, batch);
        long[] item = [.. node.Shape.Dimensions.ToArray().Select(d => (long)d)];
        return new Tensor(Rounding.To(type, y.Data), batched ? [batch, .. item] : item, type);
    }
}
