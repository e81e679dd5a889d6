using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>A backbone: nodes in the order of execution, chosen outputs, and the state_dict entries they need. Immutable.</summary>
public sealed class Graph
{
    private readonly Lazy<Dictionary<string, Node>> _byName;

    internal Graph(ImmutableArray<Node> inputs, ImmutableArray<Node> nodes, ImmutableArray<Node> outputs, ImmutableArray<ParameterSpec> parameters)
    {
        Inputs = inputs;
        Nodes = nodes;
        Outputs = outputs;
        Parameters = parameters;
        _byName = new(() => Nodes.Where(n => n.IsNamed).ToDictionary(n => n.Name));
    }

    /// <summary>The inputs, usually one: images <c>[C, H, W]</c>.</summary>
    public ImmutableArray<Node> Inputs { get; }

    /// <summary>All nodes, each after its inputs.</summary>
    public ImmutableArray<Node> Nodes { get; }

    /// <summary>The nodes whose values are wanted, in the order asked for.</summary>
    public ImmutableArray<Node> Outputs { get; }

    /// <summary>The state_dict entries in timm's order.</summary>
    public ImmutableArray<ParameterSpec> Parameters { get; }

    /// <summary>Number of trained parameters (buffers not counted), as <c>sum(p.numel() for p in model.parameters())</c>.</summary>
    public long ParameterCount => Parameters.Where(p => p.Kind == ParameterKind.Parameter).Sum(p => p.Shape.Length);

    /// <summary>Names of the nodes that can be chosen as outputs, in the order of execution, as <c>get_graph_node_names</c> lists them. torchvision's models have among them
    /// the steps of Python without a tensor (<c>size</c>, <c>chunk</c>), which cannot be chosen.</summary>
    public ImmutableArray<string> NodeNames
    {
        get
        {
            ILookup<int, string> without = WithoutTensor.ToLookup(s => s.Before, s => s.Name);
            return [.. Nodes.Append(null).SelectMany((n, i) => n is { IsNamed: true } ? without[i].Append(n.Name) : without[i])];
        }
    }

    /// <summary>The names that FX lists without a tensor behind them, and the numbers of the nodes that they stand before. A part of a graph has none.</summary>
    internal ImmutableArray<(string Name, int Before)> WithoutTensor { get; init; } = [];

    /// <summary>The node of that name; a truncated name (<c>layer4</c>) means the last node below it.</summary>
    /// <exception cref="GraphException">There is none; the message has the nearest names.</exception>
    public Node Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (TryFind(name) is { } node)
            return node;
        if (WithoutTensor.Any(s => s.Name == name))
            throw new GraphException($"'{name}' is a size, a number or a tuple of tensors, and no tensor that could be an output; choose a node behind it.");
        var candidates = NodeNames.SelectMany(Prefixes).Distinct();
        throw new GraphException($"There is no node '{name}'.{NearestName.Suggest(name, candidates)}");
    }

    internal Node? TryFind(string name)
    {
        if (_byName.Value.TryGetValue(name, out Node? exact))
            return exact;
        for (int i = Nodes.Length - 1; i >= 0; i--)
        {
            Node n = Nodes[i];
            if (n.IsNamed && n.Name.Length > name.Length && n.Name[name.Length] == '.' && n.Name.StartsWith(name, StringComparison.Ordinal))
                return n;
        }
        return null;
    }

    /// <summary>The same graph with other outputs, without the nodes and parameters that they do not need.</summary>
    public Graph WithOutputs(params IEnumerable<Node> outputs) => Passes.Prune.Run(new Graph(Inputs, Nodes, [.. outputs], Parameters));

    /// <summary>The part behind a node, with that node as its input: a head to run on a hidden state of one's own.</summary>
    public Graph From(Node node) => Passes.Cut.Run(this, node);

    /// <summary>How many times each node's value is used; being an output counts once.</summary>
    internal Dictionary<Node, int> UseCounts()
    {
        var uses = new Dictionary<Node, int>();
        foreach (Node n in Nodes.SelectMany(n => n.Inputs).Concat(Outputs))
            uses[n] = uses.GetValueOrDefault(n) + 1;
        return uses;
    }

    private static IEnumerable<string> Prefixes(string name)
    {
        for (int i = 0; i < name.Length; i++)
        {
            if (name[i] == '.')
                yield return name[..i];
        }
        yield return name;
    }
}

/// <summary>A graph was built or changed in a way that makes no sense: shapes that do not fit, a name that is not there.</summary>
public sealed class GraphException : Exception
{
    /// <summary>Makes an exception that says what was asked and what was found.</summary>
    public GraphException(string message) : base(message)
    {
    }

    /// <summary>Makes an exception with its cause.</summary>
    public GraphException(string message, Exception inner) : base(message, inner)
    {
    }
}
