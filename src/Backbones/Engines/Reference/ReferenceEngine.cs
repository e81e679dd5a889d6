using System.Numerics;
using System.Runtime.InteropServices;
using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <summary>Plain loops, one node after another, every operator: the oracle that the fast engines are tested against.</summary>
public sealed class ReferenceEngine : IEngine
{
    /// <inheritdoc/>
    public string Name => "reference";

    /// <inheritdoc/>
    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options)
    {
        options.CheckPrecision(this);
        return new Plan(graph, ParameterArithmetic.Evaluate(graph, parameters));
    }

    private sealed class Plan(Graph graph, IReadOnlyDictionary<Node, ReferenceTensor> constants) : IPlan
    {
        private bool _disposed;

        public Graph Graph => graph;

        public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            PlanArguments.Check(graph, batch, inputs, outputs);
            var values = new Dictionary<Node, ReferenceTensor>(constants);
            for (int i = 0; i < inputs.Length; i++)
                values[graph.Inputs[i]] = new(inputs[i].ToArray(), batch, graph.Inputs[i].Shape);

            Dictionary<Node, int> remaining = graph.UseCounts();
            foreach (Node node in graph.Nodes)
            {
                cancellation.ThrowIfCancellationRequested();
                if (!node.IsBatched || node.Operator is InputOp)
                    continue;
                values[node] = ReferenceKernels.Run(node, [.. node.Inputs.Select(i => values[i])], batch);
                foreach (Node input in node.Inputs)
                {
                    if (--remaining[input] == 0 && input.IsBatched)
                        values.Remove(input);
                }
            }
            for (int i = 0; i < outputs.Length; i++)
            {
                ReferenceTensor value = values[graph.Outputs[i]];
                for (int n = 0; n < batch; n++)
                    value.Item(n).CopyTo(outputs[i].Span.Slice(n * value.ItemLength, value.ItemLength));
            }
        }

        public void Dispose() => _disposed = true;
    }
}

/// <summary>Computes what depends on parameters and constants alone, once, when a plan is made.</summary>
internal static class ParameterArithmetic
{
    /// <summary>The values of all nodes without batch that batched nodes (or outputs) read.</summary>
    public static IReadOnlyDictionary<Node, ReferenceTensor> Evaluate(Graph graph, IParameterSource parameters)
    {
        var values = new Dictionary<Node, ReferenceTensor>();
        Dictionary<Node, int> remaining = graph.UseCounts();
        foreach (Node node in graph.Nodes)
        {
            if (node.IsBatched || node.Operator is ParameterOp)
                continue;
            values[node] = node.Operator switch
            {
                ConstantOp c => new([.. c.Values], 1, node.Shape),
                BinaryOp { Kind: BinaryKind.Multiply } when HasRowFactors(node.Inputs[0].Shape, node.Inputs[1].Shape) => ScaleRows(Elements(node.Inputs[0]), Value(node.Inputs[1]).Data, node.Shape),
                _ => ReferenceKernels.Run(node, [.. node.Inputs.Select(Value)], 1),
            };
            foreach (Node input in node.Inputs)
            {
                if (--remaining[input] == 0)
                    values.Remove(input);
            }
        }
        foreach (Node node in graph.Nodes)
        {
            if (node.Operator is ParameterOp && remaining.GetValueOrDefault(node) > 0)
                Value(node);
        }
        return values;

        // Parameters become arrays only where something needs them so: most are convolutions' weights, which are scaled from where they lie.
        ReferenceTensor Value(Node node)
        {
            if (!values.TryGetValue(node, out ReferenceTensor value))
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

    private static bool HasRowFactors(Shape weights, Shape factors)
        => factors.Rank == weights.Rank && factors.Rank > 0 && factors[0] == weights[0] && factors.Length == factors[0];

    /// <summary>
    /// Each row times its factor: what folding batch normalisations does to all of a model's convolutions. It has a loop of its own because
    /// the plain kernel, with its offsets for any broadcast, took half of the time to compile ResNet-50 (290 of 550 ms).
    /// </summary>
    private static ReferenceTensor ScaleRows(ReadOnlyMemory<float> weights, float[] factors, Shape shape)
    {
        ReferenceTensor scaled = new(GC.AllocateUninitializedArray<float>(weights.Length), 1, shape);
        int row = factors.Length == 0 ? 0 : weights.Length / factors.Length;
        Parallel.For(0, factors.Length, i =>
        {
            ReadOnlySpan<float> source = weights.Span.Slice(i * row, row);
            Span<float> target = scaled.Data.AsSpan(i * row, row);
            float factor = factors[i];
            int done = 0;
            for (; done <= row - Vector<float>.Count; done += Vector<float>.Count)
                (new Vector<float>(source[done..]) * factor).CopyTo(target[done..]);
            for (; done < row; done++)
                target[done] = source[done] * factor;
        });
        return scaled;
    }

    // An array that is the parameter in full is used as it is: kernels do not write to their inputs.
    private static float[] ToArray(ReadOnlyMemory<float> values)
        => MemoryMarshal.TryGetArray(values, out ArraySegment<float> segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length ? segment.Array : values.ToArray();
}
