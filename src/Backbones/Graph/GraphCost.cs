namespace Backbones.Graphs;

/// <summary>What one image costs on a graph, whatever runs it.</summary>
/// <param name="Macs">Multiplications with addition in convolutions, linear layers and matrix products (attention's among them); what else there is comes to a hundredth of that.</param>
/// <param name="Activations">Elements that these write.</param>
internal sealed record GraphCost(long Macs, long Activations)
{
    /// <summary>Adds up a graph. Arithmetic on parameters is done once, not for every image, and does not count.</summary>
    public static GraphCost Of(Graph graph)
    {
        long macs = 0, activations = 0;
        foreach (Node node in graph.Nodes.Where(n => n.IsBatched))
        {
            (long nodeMacs, long nodeActivations) = Of(node);
            macs += nodeMacs;
            activations += nodeActivations;
        }
        return new GraphCost(macs, activations);
    }

    private static (long Macs, long Activations) Of(Node node)
    {
        long written = node.Shape.Length;
        switch (node.Operator)
        {
            case Conv2dOp:
                Shape kernel = node.Inputs[1].Shape;
                return (written * kernel[1] * kernel[2] * kernel[3], written);
            case LinearOp:
                return (written * node.Inputs[1].Shape[1], written);
            case MatMulOp product:
                return (written * node.Inputs[0].Shape[product.TransposeA ? ^2 : ^1], written);
            case AttentionOp:
                long keys = node.Inputs[1].Shape[^2], scores = node.Inputs[0].Shape.Length / node.Inputs[0].Shape[^1] * keys;
                return (node.Inputs[0].Shape.Length * keys + written * keys, scores + written);
            default:
                return (0, 0);
        }
    }
}
