using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <summary>Plain loops, one node after another, every operator: the oracle that the fast engines are tested against.</summary>
internal sealed class ReferenceEngine : IEngine
{
    /// <inheritdoc/>
    public string Name => "reference";

    /// <inheritdoc/>
    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options)
    {
        options.CheckPrecision(this);
        return new Plan(graph, ParameterArithmetic.Evaluate(graph, parameters));
    }

    private sealed class Plan(Graph graph, IReadOnlyDictionary<Node, DenseTensor> constants) : IPlan
    {
        private bool _disposed;

        public Graph Graph => graph;

        public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            PlanArguments.Check(graph, batch, inputs, outputs);
            var values = new Dictionary<Node, DenseTensor>(constants);
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
                DenseTensor value = values[graph.Outputs[i]];
                for (int n = 0; n < batch; n++)
                    value.Item(n).CopyTo(outputs[i].Span.Slice(n * value.ItemLength, value.ItemLength));
            }
        }

        public void Dispose() => _disposed = true;
    }
}
