namespace Backbones.Graphs.Passes;

/// <summary>
/// Computes only the rows that a slice leaves: a vision transformer whose features are its class token needs of the last block all keys and values, but one token's query, projection and perceptron.
/// From a slice it goes back through what works row by row, as long as everybody needs the same part.
/// </summary>
internal static class Narrow
{
    /// <summary>The same values with slices taken as early as they can be.</summary>
    public static Graph Run(Graph graph) => graph.Nodes.Any(TakesFew) ? Rewrite(graph) : graph;

    /// <summary>Whether it is a slice of half an axis or less.</summary>
    private static bool TakesFew(Node node)
        => node is { IsBatched: true, Operator: SliceOp { Step: 1 } slice } && 2 * slice.Length <= node.Inputs[0].Shape[node.Shape.Axis(slice.Axis)];

    private static Graph Rewrite(Graph graph)
    {
        Dictionary<Node, Part> parts = Parts(graph);
        var slices = new Dictionary<(Node, Part), Node>();
        var rewriter = new GraphRewriter(graph);
        return rewriter.Run((node, inputs) =>
        {
            if (!parts.TryGetValue(node, out Part part))
                return node.Operator is SliceOp slice && parts.ContainsKey(node.Inputs[0]) ? inputs[0] : null;
            Part?[] needed = Needed(node, part)!;
            Operator op = node.Operator is ReshapeOp reshape ? new ReshapeOp(reshape.Target.With(part.Axis, part.Length)) : node.Operator;
            return rewriter.Create(node.Name, op, [.. inputs.Select((input, i) => needed[i] is { } p && !parts.ContainsKey(node.Inputs[i]) ? Slice(input, p) : input)]);
        });

        Node Slice(Node input, Part part)
            => slices.TryGetValue((input, part), out Node? slice) ? slice : slices[(input, part)] = rewriter.Create($"{input.Name}#part", new SliceOp(part.Axis, part.Start, part.Length), input);
    }

    /// <summary>The nodes of which everybody needs the same part, and the part.</summary>
    private static Dictionary<Node, Part> Parts(Graph graph)
    {
        var parts = new Dictionary<Node, Part>();
        var whole = new HashSet<Node>(graph.Outputs);
        foreach (Node node in graph.Nodes.Reverse())
        {
            Part?[]? needed = null;
            if (parts.TryGetValue(node, out Part part))
            {
                needed = Needed(node, part);
                if (needed is null)
                    parts.Remove(node);
            }
            else if (TakesFew(node))
            {
                var slice = (SliceOp)node.Operator;
                needed = [new Part(node.Shape.Axis(slice.Axis), slice.Start, slice.Length)];
            }
            for (int i = 0; i < node.Inputs.Length; i++)
                Need(node.Inputs[i], needed?[i]);
        }
        return parts;

        void Need(Node node, Part? part)
        {
            if (whole.Contains(node) || (part is { } p && node.IsBatched && node.Operator is not InputOp && (!parts.TryGetValue(node, out Part other) ? parts.TryAdd(node, p) : other == p)))
                return;
            parts.Remove(node);
            whole.Add(node);
        }
    }

    /// <summary>What a part of a node's value needs of its inputs, null for all of one; null where it cannot be computed by itself.</summary>
    private static Part?[]? Needed(Node node, Part part)
    {
        int rank = node.Shape.Rank, axis = part.Axis;
        Node first = node.Inputs[0];
        switch (node.Operator)
        {
            case UnaryOp:
            case LinearOp { Epilogue: null } when axis != rank - 1:
            case LayerNormOp layer when axis != node.Shape.Axis(layer.Axis):
            case RmsNormOp rms when axis != node.Shape.Axis(rms.Axis):
            case SoftmaxOp softmax when axis != node.Shape.Axis(softmax.Axis):
            case SliceOp slice when axis != node.Shape.Axis(slice.Axis):
                return OfFirst(part);
            case PermuteOp permute:
                return OfFirst(part with { Axis = permute.Axes[axis] });
            case ReshapeOp:
                // The axis of that size with as many elements behind it.
                int[] distances = first.Shape.Strides();
                int distance = node.Shape.Strides()[axis], same = Enumerable.Range(0, first.Shape.Rank).FirstOrDefault(a => first.Shape[a] == node.Shape[axis] && distances[a] == distance, -1);
                return same < 0 ? null : OfFirst(part with { Axis = same });
            case BinaryOp:
                return [Aligned(first), Aligned(node.Inputs[1])];
            case MatMulOp { TransposeA: false } when axis == rank - 2:
                return [Aligned(first), null];
            case AttentionOp attention when axis == rank - 2:
                return attention.HasMask ? [part, null, null, Aligned(node.Inputs[3])] : [part, null, null];
            default:
                return null;
        }

        Part?[] OfFirst(Part part) => [part, .. Enumerable.Repeat<Part?>(null, node.Inputs.Length - 1)];

        // Of an operand that is repeated along the axis all is needed.
        Part? Aligned(Node input) => axis - (rank - input.Shape.Rank) is >= 0 and var own && input.Shape[own] == node.Shape[axis] ? part with { Axis = own } : null;
    }

    /// <summary>Elements <paramref name="Start"/> to <paramref name="Start"/> + <paramref name="Length"/> - 1 along an axis.</summary>
    private readonly record struct Part(int Axis, int Start, int Length);
}
