namespace Backbones.Graphs.Passes;

/// <summary>
/// Lets a graph of another image size or channel number read the default model's checkpoint: every parameter whose shape differs
/// is computed from the checkpoint's entry by parameter arithmetic.
/// </summary>
public static class AdaptParameters
{
    /// <summary>The same graph over the checkpoint's parameters.</summary>
    /// <param name="graph">The graph as it should run.</param>
    /// <param name="checkpoint">The entries of the checkpoint (the default model's).</param>
    /// <param name="adapt">Makes the needed value from the checkpoint's entry; null when there is no way.</param>
    /// <exception cref="GraphException">A shape differs and there is no way to adapt it.</exception>
    public static Graph Run(Graph graph, IEnumerable<ParameterSpec> checkpoint, Func<GraphBuilder, Node, Shape, Node?> adapt)
    {
        Dictionary<string, ParameterSpec> stored = checkpoint.ToDictionary(p => p.Name);
        var adapted = new Dictionary<string, ParameterSpec>();
        var rewriter = new GraphRewriter(graph);
        Graph result = rewriter.Run((node, _) =>
        {
            if (node.Operator is not ParameterOp { Spec: var wanted } || !stored.TryGetValue(wanted.Name, out ParameterSpec? spec) || spec.Shape == wanted.Shape)
                return null;
            adapted[spec.Name] = spec;
            var b = new GraphBuilder((Shape)[]);
            Node source = b.Parameter(spec.Name, spec.Shape, spec.Kind);
            Node target = adapt(b, source, wanted.Shape)
                ?? throw new GraphException($"The checkpoint has '{spec.Name}' {spec.Shape}, the model needs {wanted.Shape}, and this family has no way to adapt it.");
            if (target.Shape != wanted.Shape)
                throw new GraphException($"'{spec.Name}' {spec.Shape} was adapted to {target.Shape}, the model needs {wanted.Shape}.");
            rewriter.Adopt(b.Build(target).Nodes.Where(n => !n.IsBatched));
            return target;
        });
        return new Graph(result.Inputs, result.Nodes, result.Outputs, [.. result.Parameters.Select(p => adapted.GetValueOrDefault(p.Name, p))]);
    }
}
