namespace Backbones.Graphs.Passes;

/// <summary>Makes a graph a module of a larger model: its nodes and state_dict entries get the names that they have there.</summary>
internal static class RenameModules
{
    /// <summary>The same graph under other names.</summary>
    /// <param name="graph">The graph; its inputs keep their names.</param>
    /// <param name="rename">The new name of a node or key; different for different ones.</param>
    /// <param name="change">What is otherwise there: gives the operator in place of one; null for the same.</param>
    public static Graph Run(Graph graph, Func<string, string> rename, Func<Operator, Operator>? change = null)
    {
        var renamed = new Dictionary<Node, Node>();
        foreach (Node old in graph.Nodes)
        {
            Operator op = old.Operator is ParameterOp p ? new ParameterOp(Renamed(p.Spec)) : change?.Invoke(old.Operator) ?? old.Operator;
            renamed[old] = op is InputOp ? old : new Node(rename(old.Name), op, [.. old.Inputs.Select(i => renamed[i])]);
        }
        return new Graph(graph.Inputs, [.. graph.Nodes.Select(n => renamed[n])], [.. graph.Outputs.Select(n => renamed[n])], [.. graph.Parameters.Select(Renamed)]);

        ParameterSpec Renamed(ParameterSpec spec) => spec with { Name = rename(spec.Name), TiedTo = spec.TiedTo is { } other ? rename(other) : null };
    }
}
