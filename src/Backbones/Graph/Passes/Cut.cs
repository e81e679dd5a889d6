namespace Backbones.Graphs.Passes;

/// <summary>Cuts a graph at a node: what was before it becomes an input (timm's <c>forward_head</c> on a hidden state given by the user).</summary>
public static class Cut
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
