using System.Collections.Immutable;

namespace Backbones.Graphs.Passes;

/// <summary>
/// Takes factors that are known into the weights of the layers around: layer scale behind a linear layer, the gains before and behind the convolutions of networks without normaliser, the scale of
/// an activation. What is left between a layer and its activation or residual is then nothing, and <see cref="FuseEpilogues"/> joins them. The new weights are parameter arithmetic.
/// </summary>
internal static class FoldScales
{
    /// <summary>The same values with fewer products by constants.</summary>
    public static Graph Run(Graph graph) => new Rewrite(graph).Run();

    private sealed class Rewrite
    {
        private readonly GraphRewriter _rewriter;
        private readonly Dictionary<Node, int> _uses;
        private readonly HashSet<Node> _onlyInLayers;

        public Rewrite(Graph graph)
        {
            (_rewriter, _uses) = (new GraphRewriter(graph), graph.UseCounts());
            // Values whose every use is as a layer's input.
            _onlyInLayers = [.. graph.Nodes.Where(IsLayer).GroupBy(n => n.Inputs[0]).Where(users => users.Count() == _uses[users.Key]).Select(users => users.Key)];
        }

        public Graph Run() => _rewriter.Run((node, inputs) => node.Operator switch
        {
            UnaryOp { Kind: UnaryKind.Affine } op => Affine(node, op, inputs),
            BinaryOp { Kind: BinaryKind.Multiply } => Multiply(node, inputs),
            Conv2dOp or LinearOp when IsLayer(node) => Layer(node, inputs),
            _ => null,
        });

        private static bool IsLayer(Node node) => node is { IsBatched: true, Operator: Conv2dOp { Epilogue: null } or LinearOp { Epilogue: null } } && node.Inputs.Skip(1).All(i => !i.IsBatched);

        /// <summary>x · alpha + beta goes into the layer before it, another such function, or the smaller factor of a product.</summary>
        private Node? Affine(Node node, UnaryOp op, ImmutableArray<Node> inputs)
        {
            Node before = inputs[0];
            if (!before.IsBatched || _uses[node.Inputs[0]] != 1)
                return null;
            if (IsLayer(before))
            {
                Node? bias = before.Inputs.Length > 2 ? Arithmetic(node, "bias", op, before.Inputs[2])
                    : op.Beta == 0 ? null
                    : Arithmetic(node, "bias", new ConstantOp([before.Inputs[1].Shape[0]], [.. Enumerable.Repeat(op.Beta, before.Inputs[1].Shape[0])]));
                return WithWeights(node, before, before.Inputs[0], Arithmetic(node, "weight", op with { Beta = 0 }, before.Inputs[1]), bias);
            }
            if (before.Operator is UnaryOp { Kind: UnaryKind.Affine } first)
                return _rewriter.Create(node.Name, op with { Alpha = op.Alpha * first.Alpha, Beta = op.Alpha * first.Beta + op.Beta }, before.Inputs[0]);
            if (op.Beta != 0 || before.Operator is not BinaryOp { Kind: BinaryKind.Multiply } || before.Inputs[0].Shape.Length == before.Inputs[1].Shape.Length)
                return null;
            int small = before.Inputs[0].Shape.Length < before.Inputs[1].Shape.Length ? 0 : 1;
            return _rewriter.Create(node.Name, before.Operator, [.. before.Inputs.SetItem(small, Arithmetic(node, "factor", op, before.Inputs[small]))]);
        }

        /// <summary>Factors of a linear layer's columns. (Those of a convolution's channels are <see cref="Reparameterize"/>'s.)</summary>
        private Node? Multiply(Node node, ImmutableArray<Node> inputs)
        {
            int at = inputs[0].IsBatched ? 0 : 1;
            (Node layer, Node factor) = (inputs[at], inputs[1 - at]);
            if (factor.IsBatched || _uses[node.Inputs[at]] != 1 || !IsLayer(layer) || layer.Operator is not LinearOp || layer.Shape != node.Shape)
                return null;
            int columns = node.Shape[^1];
            if (factor.Shape.Length != columns || factor.Shape.Rank == 0 || factor.Shape[^1] != columns)
                return null;
            var multiply = new BinaryOp(BinaryKind.Multiply);
            Node weight = Arithmetic(node, "weight", multiply, layer.Inputs[1], Arithmetic(node, "column", new ReshapeOp([columns, 1]), factor));
            Node? bias = layer.Inputs.Length > 2 ? Arithmetic(node, "bias", multiply, layer.Inputs[2], Arithmetic(node, "row", new ReshapeOp([columns]), factor)) : null;
            return WithWeights(node, layer, layer.Inputs[0], weight, bias);
        }

        /// <summary>A factor of a layer's input goes into its weight, if all who need the product are layers: then nobody computes it.</summary>
        private Node? Layer(Node node, ImmutableArray<Node> inputs)
        {
            if (inputs[0].Operator is not UnaryOp { Kind: UnaryKind.Affine, Beta: 0 } factor || !inputs[0].IsBatched || !_onlyInLayers.Contains(node.Inputs[0]))
                return null;
            return WithWeights(node, node, inputs[0].Inputs[0], Arithmetic(node, "weight", factor, inputs[1]), inputs.Length > 2 ? inputs[2] : null);
        }

        private Node WithWeights(Node node, Node layer, Node input, Node weight, Node? bias)
        {
            Operator op = layer.Operator is Conv2dOp conv ? conv with { HasBias = bias is not null } : new LinearOp(bias is not null);
            return bias is null ? _rewriter.Create(node.Name, op, input, weight) : _rewriter.Create(node.Name, op, input, weight, bias);
        }

        private Node Arithmetic(Node node, string suffix, Operator op, params ReadOnlySpan<Node> inputs) => _rewriter.Create($"{node.Name}#{suffix}", op, inputs);
    }
}
