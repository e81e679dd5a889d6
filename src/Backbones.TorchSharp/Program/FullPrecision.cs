using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>What stays float32 in a plan of a half type. A rounded statistic is an error of a whole channel or group, which does not average out.</summary>
internal static class FullPrecision
{
    /// <summary>
    /// Statistics of batch normalisations that could not be folded (variances have a range that half types have not), and normalisations made of
    /// operators (EvoNorm), with what they divide, to the last scale and shift: one rounding, as in PyTorch's own normalisation kernels.
    /// </summary>
    public static HashSet<Node> Of(GraphProgram program)
    {
        HashSet<Node> outputs = [.. program.Prepared.Outputs];
        ILookup<Node, Node> readers = program.Steps.SelectMany(s => s.Node.Inputs.Distinct().Select(i => (Input: i, Reader: s.Node))).ToLookup(e => e.Input, e => e.Reader);
        HashSet<Node> full = [.. readers.Where(r => r.All(reader => IsStatistic(r.Key, reader))).Select(r => r.Key)];
        foreach (Node node in program.Steps.Select(s => s.Node))
        {
            bool begins = node.Operator is ReduceOp { Kind: ReduceKind.Variance };
            bool goesOn = Passes(node.Operator) && node.Inputs.Any(full.Contains);
            if ((begins || goesOn) && readers[node].Any() && readers[node].All(r => Passes(r.Operator)) && !outputs.Contains(node))
                full.Add(node);
        }
        foreach (Node node in program.Steps.Select(s => s.Node).Reverse())
        {
            if (node.Operator is UnaryOp or BinaryOp && readers[node].Any() && readers[node].All(full.Contains) && !outputs.Contains(node))
                full.Add(node);
        }
        return full;
    }

    /// <summary>Whether PyTorch gives float32 where one of the operator's inputs is.</summary>
    public static bool Passes(Operator op) => op is UnaryOp or BinaryOp or ReshapeOp or ExpandOp;

    private static bool IsStatistic(Node value, Node reader) => reader.Operator is BatchNormOp && !ReferenceEquals(value, reader.Inputs[0]);
}
