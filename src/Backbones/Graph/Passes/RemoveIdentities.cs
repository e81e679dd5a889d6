namespace Backbones.Graphs.Passes;

/// <summary>Takes out the modules that do nothing at inference, and reshapes and permutations that change nothing.</summary>
internal static class RemoveIdentities
{
    /// <summary>The same values without identity nodes. An output that was one becomes the node behind it.</summary>
    public static Graph Run(Graph graph) => new GraphRewriter(graph).Run((node, inputs) => IsIdentity(node) ? inputs[0] : null);

    private static bool IsIdentity(Node node) => node.Operator switch
    {
        IdentityOp => true,
        ReshapeOp or ExpandOp => node.Shape == node.Inputs[0].Shape,
        PermuteOp p => p.Axes.SequenceEqual(Enumerable.Range(0, p.Axes.Length)),
        ConcatOp => node.Inputs.Length == 1,
        SliceOp s => s.Step == 1 && node.Shape == node.Inputs[0].Shape,
        _ => false,
    };
}
