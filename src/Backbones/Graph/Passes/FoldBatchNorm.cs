namespace Backbones.Graphs.Passes;

/// <summary>
/// Folds a batch normalisation into the convolution or linear layer before it: weight · s and (bias - mean) · s + beta with
/// s = gamma / sqrt(var + eps). The new weights are parameter arithmetic, computed at compile time.
/// </summary>
internal static class FoldBatchNorm
{
    /// <summary>The same values with every foldable batch normalisation gone.</summary>
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, int> uses = graph.UseCounts();
        var rewriter = new GraphRewriter(graph);
        return rewriter.Run((node, inputs) =>
        {
            if (node.Operator is not BatchNormOp bn || uses[node.Inputs[0]] != 1 || inputs[0] is not { IsBatched: true } producer || producer.Inputs.Length < 2 || producer.Inputs[1].IsBatched)
                return null;
            bool conv = producer.Operator is Conv2dOp { Epilogue: null } && bn.Axis == 0;
            bool linear = producer.Operator is LinearOp { Epilogue: null } && producer.Shape.Axis(bn.Axis) == producer.Shape.Rank - 1;
            if (!conv && !linear)
                return null;

            Node Param(string suffix, Operator op, params ReadOnlySpan<Node> args) => rewriter.Create($"{node.Name}#{suffix}", op, args);
            var multiply = new BinaryOp(BinaryKind.Multiply);
            (Node gamma, Node beta, Node mean, Node variance) = (inputs[1], inputs[2], inputs[3], inputs[4]);
            Node weight = producer.Inputs[1];
            int channels = weight.Shape[0];

            Node deviation = Param("rsqrt", new UnaryOp(UnaryKind.Rsqrt), Param("eps", new UnaryOp(UnaryKind.Affine, 1, bn.Eps), variance));
            Node scale = Param("scale", multiply, gamma, deviation);
            Shape column = conv ? [channels, 1, 1, 1] : [channels, 1];
            Node scaledWeight = Param("weight", multiply, weight, Param("column", new ReshapeOp(column), scale));
            bool hasBias = producer.Operator is Conv2dOp { HasBias: true } or LinearOp { HasBias: true };
            Node centre = hasBias ? Param("centre", new BinaryOp(BinaryKind.Subtract), producer.Inputs[2], mean) : Param("centre", new UnaryOp(UnaryKind.Negate), mean);
            Node bias = Param("bias", new BinaryOp(BinaryKind.Add), Param("shift", multiply, centre, scale), beta);

            Operator op = producer.Operator is Conv2dOp c ? c with { HasBias = true } : new LinearOp(true);
            return rewriter.Create(node.Name, op, producer.Inputs[0], scaledWeight, bias);
        });
    }
}
