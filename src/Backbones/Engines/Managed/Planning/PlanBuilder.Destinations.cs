using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>
/// Concatenated maps without copies: the parts are computed in their place. Where one concatenation starts with all the parts of another
/// (the layers of a dense block), both are the same memory.
/// </content>
internal sealed partial class PlanBuilder<T>
{
    private readonly Dictionary<Node, ValueView> _destinations = [];

    /// <summary>Gives the parts of every concatenation of channels their place. The last ones first: they hold the others.</summary>
    private void PlaceConcatenations()
    {
        var placed = new List<Node>();
        foreach (Node node in _graph.Nodes.Reverse())
        {
            if (node is not { IsBatched: true, Shape.Rank: 3, Operator: ConcatOp op } || node.Shape.Axis(op.Axis) != 0)
                continue;
            if (!_destinations.TryGetValue(node, out ValueView? whole))
            {
                Node? longer = placed.Find(other => other.Inputs.Length > node.Inputs.Length && other.Inputs.AsSpan()[..node.Inputs.Length].SequenceEqual(node.Inputs.AsSpan()));
                whole = longer is null ? AllocateMap(node.Shape) : Part(_destinations[longer], 0, 0, node.Shape[0]);
                _destinations[node] = whole;
            }
            placed.Add(node);
            int start = 0;
            foreach (Node input in node.Inputs)
            {
                if (input.IsBatched)
                    _destinations.TryAdd(input, Part(whole, 0, start, input.Shape[0]));
                start += input.Shape[0];
            }
        }
    }

    /// <summary>Memory for a node's map: its place in a concatenation, or memory of its own.</summary>
    private ValueView MapResult(Node node) => Result(node, [1, 2, 0]);

    /// <summary>Memory for a result with the axes in the order of <paramref name="view"/>.</summary>
    private ValueView ResultLike(Node node, ValueView view) => Result(node, Order(view));

    /// <summary>Memory for a result with the axes in some order, outermost first: a map's place in a concatenation where that has this order.</summary>
    private ValueView Result(Node node, int[] order)
        => order is [1, 2, 0] && _destinations.TryGetValue(node, out ValueView? place) ? place : Allocate(node.Shape.Dimensions, order);
}
