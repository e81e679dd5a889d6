using System.Collections.Immutable;

namespace Backbones.Graphs.Passes;

/// <summary>Rebuilds a graph node by node; a pass says what becomes of each node.</summary>
internal sealed class GraphRewriter
{
    private readonly Graph _graph;
    private readonly Dictionary<Node, Node> _map = [];
    private readonly List<Node> _nodes = [];

    public GraphRewriter(Graph graph) => _graph = graph;

    /// <summary>The new node that stands for an old one.</summary>
    public Node this[Node old] => _map[old];

    /// <summary>Adds a node that the old graph did not have.</summary>
    public Node Create(string name, Operator op, params ReadOnlySpan<Node> inputs)
    {
        var node = new Node(name, op, [.. inputs]);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Takes over finished nodes, each after its inputs.</summary>
    public void Adopt(IEnumerable<Node> nodes) => _nodes.AddRange(nodes);

    /// <summary>Visits all nodes in order. <paramref name="replace"/> gets the old node and its new inputs; null keeps the node with them.</summary>
    public Graph Run(Func<Node, ImmutableArray<Node>, Node?> replace)
    {
        foreach (Node old in _graph.Nodes)
        {
            ImmutableArray<Node> inputs = [.. old.Inputs.Select(i => _map[i])];
            Node? node = replace(old, inputs);
            if (node is null)
            {
                node = inputs.SequenceEqual(old.Inputs) ? old : new Node(old.Name, old.Operator, inputs);
                _nodes.Add(node);
            }
            _map[old] = node;
        }
        return Prune.Run(new Graph([.. _graph.Inputs.Select(i => _map[i])], [.. _nodes], [.. _graph.Outputs.Select(o => _map[o])], _graph.Parameters));
    }
}
