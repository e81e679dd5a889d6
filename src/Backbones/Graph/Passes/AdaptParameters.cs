namespace Backbones.Graphs.Passes;

/// <summary>
/// Lets a graph of another image size or channel number read a checkpoint: a parameter that is not the checkpoint's entry
/// is computed from it by parameter arithmetic.
/// </summary>
internal static class AdaptParameters
{
    /// <summary>The same graph over the checkpoint's parameters.</summary>
    /// <param name="graph">The graph as it should run.</param>
    /// <param name="checkpoint">The entries of the checkpoint.</param>
    /// <param name="adapt">Makes the needed value from the checkpoint's entry, or gives the entry itself; null when there is no way. Also asked where the shapes are equal: a grid of 4×9 patches has the shape of one of 6×6.</param>
    /// <exception cref="GraphException">A shape differs and there is no way to adapt it.</exception>
    public static Graph Run(Graph graph, IEnumerable<ParameterSpec> checkpoint, Func<GraphBuilder, Node, Shape, Node?> adapt)
    {
        Dictionary<string, ParameterSpec> stored = checkpoint.ToDictionary(p => p.Name);
        var adapted = new Dictionary<string, ParameterSpec>();
        var rewriter = new GraphRewriter(graph);
        Graph result = rewriter.Run((node, _) =>
        {
            if (node.Operator is not ParameterOp { Spec: var wanted } || !stored.TryGetValue(wanted.Name, out ParameterSpec? spec))
                return null;
            var b = new GraphBuilder((Shape)[]);
            Node source = b.Parameter(spec.Name, spec.Shape, spec.Kind);
            Node target = adapt(b, source, wanted.Shape) ?? source;
            if (target == source && spec.Shape == wanted.Shape)
                return null;
            if (target.Shape != wanted.Shape)
            {
                throw new GraphException($"The checkpoint has '{spec.Name}' {spec.Shape}, the model needs {wanted.Shape}, "
                    + (target == source ? "and this family has no way to adapt it." : $"and it was adapted to {target.Shape}."));
            }
            adapted[spec.Name] = spec;
            rewriter.Adopt(b.Build(target).Nodes.Where(n => !n.IsBatched));
            return target;
        });
        return new Graph(result.Inputs, result.Nodes, result.Outputs, [.. result.Parameters.Select(p => adapted.GetValueOrDefault(p.Name, p))]);
    }
}
