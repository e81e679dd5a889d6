using System.Collections.Immutable;

namespace Backbones.Graphs.Passes;

/// <summary>Removes what the outputs do not need: nodes, and state_dict entries of modules that are no longer used.</summary>
public static class Prune
{
    /// <summary>The same graph without dead nodes and their parameters.</summary>
    public static Graph Run(Graph graph)
    {
        var live = new HashSet<Node>();
        var pending = new Stack<Node>(graph.Outputs);
        while (pending.TryPop(out Node? node))
        {
            if (!live.Add(node))
                continue;
            foreach (Node input in node.Inputs)
                pending.Push(input);
        }
        var used = live.Select(n => n.Operator).OfType<ParameterOp>().Select(p => p.Spec.Name).ToHashSet();
        // Entries that no node reads (num_batches_tracked) live as long as their module does.
        var modules = used.Select(ModuleOf).ToHashSet();
        var read = graph.Nodes.Select(n => n.Operator).OfType<ParameterOp>().Select(p => p.Spec.Name).ToHashSet();
        ImmutableArray<ParameterSpec> kept = [.. graph.Parameters.Where(p => used.Contains(p.Name) || (!read.Contains(p.Name) && modules.Contains(ModuleOf(p.Name))))];
        return new Graph(graph.Inputs, [.. graph.Nodes.Where(n => live.Contains(n) || graph.Inputs.Contains(n))], graph.Outputs, kept);
    }

    private static string ModuleOf(string key) => key[..Math.Max(0, key.LastIndexOf('.'))];
}
