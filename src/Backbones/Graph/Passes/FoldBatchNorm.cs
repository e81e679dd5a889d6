using System.Collections.Immutable;

namespace Backbones.Graphs.Passes;

/// <summary>
/// Folds a batch normalisation into the convolution or linear layer before it: weight · s and (bias - mean) · s + beta with
/// s = gamma / sqrt(var + eps). The new weights are parameter arithmetic, computed at compile time.
/// </summary>
internal static class FoldBatchNorm
{
    private static readonly BinaryOp s_multiply = new(BinaryKind.Multiply);

    /// <summary>The same values with every foldable batch normalisation gone.</summary>
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, int> uses = graph.UseCounts();
        var rewriter = new GraphRewriter(graph);
        return rewriter.Run((node, inputs) => node.Operator is BatchNormOp ? Fold(rewriter, uses, node, inputs) : null);
    }

    /// <summary>A convolution or linear layer in the place of a batch normalisation; null where there is none before it, or where somebody else needs its value.</summary>
    /// <param name="rewriter">Where new nodes go.</param>
    /// <param name="uses">How often each node of the old graph is used.</param>
    /// <param name="node">The normalisation in the old graph.</param>
    /// <param name="inputs">Its new inputs.</param>
    internal static Node? Fold(GraphRewriter rewriter, Dictionary<Node, int> uses, Node node, ImmutableArray<Node> inputs)
    {
        var bn = (BatchNormOp)node.Operator;
        if (uses[node.Inputs[0]] != 1 || inputs[0] is not { IsBatched: true } producer || producer.Inputs.Length < 2 || producer.Inputs[1].IsBatched)
            return null;
        bool conv = producer.Operator is Conv2dOp { Epilogue: null } && bn.Axis == 0;
        bool linear = producer.Operator is LinearOp { Epilogue: null } && producer.Shape.Axis(bn.Axis) == producer.Shape.Rank - 1;
        if (!conv && !linear)
            return null;

        bool hasBias = producer.Operator is Conv2dOp { HasBias: true } or LinearOp { HasBias: true };
        (Node scale, Node bias) = ScaleAndShift(rewriter, node, inputs, hasBias ? producer.Inputs[2] : null);
        Node weight = producer.Inputs[1];
        int channels = weight.Shape[0];
        Shape column = conv ? [channels, 1, 1, 1] : [channels, 1];
        Node scaledWeight = rewriter.Create($"{node.Name}#weight", s_multiply, weight, rewriter.Create($"{node.Name}#column", new ReshapeOp(column), scale));
        Operator op = producer.Operator is Conv2dOp c ? c with { HasBias = true } : new LinearOp(true);
        return rewriter.Create(node.Name, op, producer.Inputs[0], scaledWeight, bias);
    }

    /// <summary>A batch normalisation as factors and shifts of its channels: s, and (bias - mean) · s + beta.</summary>
    /// <param name="rewriter">Where new nodes go.</param>
    /// <param name="node">The normalisation.</param>
    /// <param name="inputs">Its new inputs.</param>
    /// <param name="bias">What is added before it; null for nothing.</param>
    internal static (Node Scale, Node Shift) ScaleAndShift(GraphRewriter rewriter, Node node, ImmutableArray<Node> inputs, Node? bias)
    {
        (Node gamma, Node beta, Node mean, Node variance) = (inputs[1], inputs[2], inputs[3], inputs[4]);
        Node deviation = Param("rsqrt", new UnaryOp(UnaryKind.Rsqrt), Param("eps", new UnaryOp(UnaryKind.Affine, 1, ((BatchNormOp)node.Operator).Eps), variance));
        Node scale = Param("scale", s_multiply, gamma, deviation);
        Node centre = bias is not null ? Param("centre", new BinaryOp(BinaryKind.Subtract), bias, mean) : Param("centre", new UnaryOp(UnaryKind.Negate), mean);
        return (scale, Param("bias", new BinaryOp(BinaryKind.Add), Param("shift", s_multiply, centre, scale), beta));

        Node Param(string suffix, Operator op, params ReadOnlySpan<Node> args) => rewriter.Create($"{node.Name}#{suffix}", op, args);
    }
}
