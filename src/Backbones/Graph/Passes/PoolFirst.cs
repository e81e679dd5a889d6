namespace Backbones.Graphs.Passes;

/// <summary>
/// Averages pixels before a 1×1 convolution where a network does after it (DenseNet's transitions): both are linear, so the values are the same, and the convolution has a quarter of the pixels behind 2×2 averages.
/// </summary>
internal static class PoolFirst
{
    /// <summary>The same values with average pooling in front of the 1×1 convolutions whose values only it needs.</summary>
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, int> uses = graph.UseCounts();
        var rewriter = new GraphRewriter(graph);
        return rewriter.Run((node, inputs) =>
        {
            // Every window must lie inside: the bias is not in the padding.
            if (node.Operator is not AvgPool2dOp { CeilMode: false } pool || pool.Padding != default || uses[node.Inputs[0]] != 1)
                return null;
            Node conv = inputs[0];
            return node.Shape.Length >= conv.Shape.Length || !IsPointwise(conv) ? null : rewriter.Create(node.Name, conv.Operator, [rewriter.Create($"{node.Name}#pool", pool, conv.Inputs[0]), .. conv.Inputs[1..]]);
        });
    }

    private static bool IsPointwise(Node node) => node is { IsBatched: true, Operator: Conv2dOp { Epilogue: null } op } && op.Stride == 1 && op.Padding == default && node.Inputs[1].Shape[2] == 1 && node.Inputs[1].Shape[3] == 1;
}
