using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>Which nodes share memory: a reshape or slice is a view of its input in PyTorch, so writing to one changes the other.</summary>
internal sealed class AliasGroups(Dictionary<Node, int> remaining)
{
    private readonly Dictionary<Node, Group> _groups = [];

    /// <summary>Adds a batched node, in the order of execution.</summary>
    public void Add(Node node)
    {
        Group group = IsView(node.Operator) ? _groups[node.Inputs[0]] : new Group { IsWritable = node.Operator is not InputOp };
        group.Uses += remaining.GetValueOrDefault(node);
        _groups[node] = group;
        // Stretched dimensions have several elements in one place.
        if (node.Operator is ExpandOp)
            group.IsWritable = false;
    }

    /// <summary>Counts one use of a node as done.</summary>
    public void Use(Node node)
    {
        remaining[node]--;
        if (node.IsBatched)
            _groups[node].Uses--;
    }

    /// <summary>Whether the node's memory is free to be written by the reader that comes next: the input's memory is the caller's, weights are for every run.</summary>
    public bool IsLastUse(Node node) => node.IsBatched && _groups[node] is { IsWritable: true, Uses: 1 };

    private static bool IsView(Operator op) => op is IdentityOp or ReshapeOp or PermuteOp or SliceOp or ExpandOp;

    private sealed class Group
    {
        public bool IsWritable { get; set; }

        public int Uses { get; set; }
    }
}
