using System.Collections.Immutable;

namespace Backbones.Graphs.Passes;

/// <summary>Removes what the outputs do not need: nodes, and state_dict entries of modules that are no longer used.</summary>
internal static class Prune
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

/// <summary>Cuts a graph at a node: what was before it becomes an input (timm's <c>forward_head</c> on a hidden state given by the user).</summary>
internal static class Cut
{
    /// <summary>The part of the graph behind <paramref name="from"/>; its only input has that node's shape.</summary>
    /// <exception cref="GraphException">An output needs the original input by a way around <paramref name="from"/>.</exception>
    public static Graph Run(Graph graph, Node from)
    {
        var rewriter = new GraphRewriter(graph);
        Node? input = null;
        Graph cut = rewriter.Run((node, inputs) => node == from ? input = rewriter.Create(node.Name, new InputOp(node.Shape)) : null);
        cut = Prune.Run(new Graph([input ?? throw new GraphException($"Node '{from.Name}' is not in the graph.")], cut.Nodes, cut.Outputs, graph.Parameters));
        var reached = new HashSet<Node>(cut.Outputs);
        foreach (Node node in cut.Nodes.Reverse())
        {
            if (reached.Contains(node))
                reached.UnionWith(node.Inputs);
        }
        if (graph.Inputs.FirstOrDefault(i => i != from && reached.Contains(i)) is { } original)
            throw new GraphException($"The outputs need '{original.Name}' by a way around '{from.Name}'; cut at a node that every path passes.");
        return cut;
    }
}
