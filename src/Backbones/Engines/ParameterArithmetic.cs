using System.Numerics;
using System.Runtime.InteropServices;
using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Engines;

/// <summary>Computes what depends on parameters and constants alone, once, when a plan is made.</summary>
internal static class ParameterArithmetic
{
    /// <summary>Weights from which on all cores scale them.</summary>
    private const int ParallelFloats = 1 << 16;

    /// <summary>The values of all nodes without batch that batched nodes (or outputs) read.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="weights">Where given, gets what convolutions and linear layers alone have as their weights and is stored so, but for a factor of each row; the result is without it.</param>
    public static IReadOnlyDictionary<Node, DenseTensor> Evaluate(Graph graph, IParameterSource parameters, Dictionary<Node, RowScaled>? weights = null)
    {
        HashSet<Node> deferred = weights is null ? [] : WeightsOnly(graph);
        var values = new Dictionary<Node, DenseTensor>();
        Dictionary<Node, int> remaining = graph.UseCounts();
        foreach (Node node in graph.Nodes)
        {
            if (node.IsBatched || node.Operator is ParameterOp)
                continue;
            if (deferred.Contains(node))
                weights!.Add(node, new(Elements(node.Inputs[0]), Value(node.Inputs[1]).Data));
            else
                values[node] = Computed(node);
            foreach (Node input in node.Inputs)
            {
                if (--remaining[input] == 0)
                    values.Remove(input);
            }
        }
        foreach (Node node in graph.Nodes)
        {
            if (node.Operator is not ParameterOp || remaining.GetValueOrDefault(node) == 0)
                continue;
            if (deferred.Contains(node))
                weights!.Add(node, new(Elements(node), default));
            else
                Value(node);
        }
        return values;

        DenseTensor Computed(Node node) => node.Operator switch
        {
            ConstantOp c => new([.. c.Values], 1, node.Shape),
            BinaryOp { Kind: BinaryKind.Multiply } when HasRowFactors(node.Inputs[0].Shape, node.Inputs[1].Shape) => ScaleRows(Elements(node.Inputs[0]), Value(node.Inputs[1]).Data, node.Shape),
            BinaryOp { Kind: BinaryKind.Add } when node.Inputs[0].Shape == node.Inputs[1].Shape => Sum(Elements(node.Inputs[0]), Elements(node.Inputs[1]), node.Shape),
            _ => ReferenceKernels.Run(node, [.. node.Inputs.Select(Value)], 1),
        };

        // Parameters become arrays only where something needs them so: most are convolutions' weights, which are scaled from where they lie.
        DenseTensor Value(Node node)
        {
            if (!values.TryGetValue(node, out DenseTensor? value))
                values[node] = value = new(ToArray(Elements(node)), 1, node.Shape);
            return value;
        }

        ReadOnlyMemory<float> Elements(Node node)
        {
            if (node.Operator is not ParameterOp p || values.ContainsKey(node))
                return values[node].Data;
            ReadOnlyMemory<float> elements = parameters.Read(p.Spec);
            return elements.Length == p.Spec.Shape.Length ? elements
                : throw new ArgumentException($"Parameter '{p.Spec.Name}' {p.Spec.Shape} needs {p.Spec.Shape.Length} values, received {elements.Length}.");
        }
    }

    /// <summary>Parameters, and products of a parameter and a factor for each row, that are nothing but weights of convolutions and linear layers.</summary>
    private static HashSet<Node> WeightsOnly(Graph graph)
    {
        HashSet<Node> found = [];
        foreach (Node node in graph.Nodes)
        {
            if (!node.IsBatched && (node.Operator is ParameterOp || (node.Operator is BinaryOp { Kind: BinaryKind.Multiply } && node.Inputs[0].Operator is ParameterOp && HasRowFactors(node.Inputs[0].Shape, node.Inputs[1].Shape))))
                found.Add(node);
            for (int i = 0; i < node.Inputs.Length; i++)
            {
                if (i != 1 || !node.IsBatched || node.Operator is not (Conv2dOp or LinearOp))
                    found.Remove(node.Inputs[i]);
            }
        }
        found.ExceptWith(graph.Outputs);
        return found;
    }

    private static bool HasRowFactors(Shape weights, Shape factors)
        => factors.Rank == weights.Rank && factors.Rank > 0 && factors[0] == weights[0] && factors.Length == factors[0];

    /// <summary>
    /// Each row times its factor: what folding batch normalisations does to all of a model's convolutions. It has a loop of its own because
    /// the plain kernel, with its offsets for any broadcast, took half of the time to compile ResNet-50 (290 of 550 ms).
    /// </summary>
    private static DenseTensor ScaleRows(ReadOnlyMemory<float> weights, float[] factors, Shape shape)
    {
        DenseTensor scaled = new(GC.AllocateUninitializedArray<float>(weights.Length), 1, shape);
        int row = factors.Length == 0 ? 0 : weights.Length / factors.Length;
        if (weights.Length < ParallelFloats)
        {
            for (int i = 0; i < factors.Length; i++)
                Scale(i);
        }
        else
        {
            Parallel.For(0, factors.Length, Scale);
        }
        return scaled;

        void Scale(int i)
        {
            ReadOnlySpan<float> source = weights.Span.Slice(i * row, row);
            Span<float> target = scaled.Data.AsSpan(i * row, row);
            float factor = factors[i];
            int done = 0;
            for (; done <= row - Vector<float>.Count; done += Vector<float>.Count)
                (new Vector<float>(source[done..]) * factor).CopyTo(target[done..]);
            for (; done < row; done++)
                target[done] = source[done] * factor;
        }
    }

    /// <summary>The sum of two weights of one shape: what merging the branches of RepVGG or MobileOne does to each of them.</summary>
    private static DenseTensor Sum(ReadOnlyMemory<float> left, ReadOnlyMemory<float> right, Shape shape)
    {
        DenseTensor sum = new(GC.AllocateUninitializedArray<float>(left.Length), 1, shape);
        ReadOnlySpan<float> a = left.Span, b = right.Span;
        Span<float> target = sum.Data;
        int done = 0;
        for (; done <= target.Length - Vector<float>.Count; done += Vector<float>.Count)
            (new Vector<float>(a[done..]) + new Vector<float>(b[done..])).CopyTo(target[done..]);
        for (; done < target.Length; done++)
            target[done] = a[done] + b[done];
        return sum;
    }

    // An array that is the parameter in full is used as it is: kernels do not write to their inputs.
    private static float[] ToArray(ReadOnlyMemory<float> values)
        => MemoryMarshal.TryGetArray(values, out ArraySegment<float> segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length ? segment.Array : values.ToArray();
}

/// <summary>A dense row-major tensor <c>[Batch, Shape…]</c>; parameters have batch 1 and are repeated where a batch is needed.</summary>
internal sealed record DenseTensor(float[] Data, int Batch, Shape Shape)
{
    public static DenseTensor Zeros(int batch, Shape shape) => new(new float[checked((int)(batch * shape.Length))], batch, shape);

    /// <summary>Elements of one batch item.</summary>
    public int ItemLength => (int)Shape.Length;

    /// <summary>The item of a batch position; a tensor without batch gives its only item to all.</summary>
    public ReadOnlySpan<float> Item(int n) => Data.AsSpan((Batch == 1 ? 0 : n) * ItemLength, ItemLength);

    /// <summary>The writable item of a batch position.</summary>
    public Span<float> ItemSpan(int n) => Data.AsSpan(n * ItemLength, ItemLength);
}
