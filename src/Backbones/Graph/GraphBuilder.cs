using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>
/// Builds a graph module by module. A scope's path is at once the parameter prefix (<c>layer1.0.conv1.weight</c>) and the node's
/// name (<c>layer1.0.conv1</c>); functions get FX names (<c>layer1.0.add</c>); a name used again gets <c>_1</c>, <c>_2</c>.
/// </summary>
public sealed partial class GraphBuilder
{
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<string, int> _names = [];
    private readonly Dictionary<string, Node> _parameters = [];
    private readonly ModuleTree _modules = new();
    private readonly List<(string Name, int Before)> _withoutTensor = [];
    private readonly ImmutableArray<Node> _inputs;
    private string _path = "";
    private string? _leaf;
    private Node? _centred;

    /// <summary>Starts a graph over one input named <c>x</c>.</summary>
    /// <param name="inputShape">Shape of one batch item, for images <c>[C, H, W]</c>.</param>
    public GraphBuilder(Shape inputShape)
    {
        _inputs = [Create("x", new InputOp(inputShape), [])];
    }

    private GraphBuilder(Graph graph)
    {
        _inputs = graph.Inputs;
        foreach (Node n in graph.Nodes)
        {
            _nodes.Add(n);
            _names[n.Name] = 0;
            if (n.Operator is ParameterOp p)
                _parameters[p.Spec.Name] = n;
        }
        foreach (ParameterSpec spec in graph.Parameters)
            _modules.Add(spec);
    }

    /// <summary>Continues a finished graph: its nodes can be used as inputs, its parameters are shared by name.</summary>
    public static GraphBuilder Extend(Graph graph) => new(graph);

    /// <summary>Output widths of convolutions by module path, which take the place of the ones asked for: pruned variants.</summary>
    public IReadOnlyDictionary<string, int>? ConvWidths { get; init; }

    /// <summary>The graph's input; less the weights' mean image, where they have one.</summary>
    public Node Input => _centred ?? _inputs[0];

    /// <summary>State_dict key of the picture that <see cref="SubtractMeanImage"/> subtracts.</summary>
    internal const string MeanImage = "mean_image";

    /// <summary>The path of the scope that is open now, such as <c>layer1.0</c>; empty at the root.</summary>
    public string Path => _path;

    /// <summary>Opens a module: everything until it is disposed is below <paramref name="name"/> (dots allowed).</summary>
    public ScopeGuard Scope(string name)
    {
        string outer = _path;
        _path = Join(name);
        _modules.Declare(_path);
        return new ScopeGuard(this, outer);
    }

    /// <summary>Closes the scope it was made for.</summary>
    public readonly ref struct ScopeGuard
    {
        private readonly GraphBuilder _builder;
        private readonly string _outer;

        internal ScopeGuard(GraphBuilder builder, string outer)
        {
            _builder = builder;
            _outer = outer;
        }

        /// <summary>Goes back to the scope that was open before.</summary>
        public void Dispose() => _builder._path = _outer;
    }

    /// <summary>
    /// Runs a module that FX does not look into (a leaf): the nodes inside have internal names, and its result carries the module's name.
    /// Parameters keep their keys.
    /// </summary>
    public Node Leaf(string name, Func<Node> body)
    {
        if (_leaf is not null)
        {
            using (Scope(name))
                return body();
        }
        string path = Join(name);
        _leaf = path;
        Node result;
        try
        {
            using (Scope(name))
                result = body();
        }
        finally
        {
            _leaf = null;
        }
        // The last node made inside takes the module's name; a value that came from outside gets an identity.
        if (result.IsBatched && ReferenceEquals(_nodes[^1], result) && result.Name.StartsWith(path + "#", StringComparison.Ordinal))
        {
            _nodes.RemoveAt(_nodes.Count - 1);
            return Create(Unique(path), result.Operator, result.Inputs);
        }
        return Create(Unique(path), new IdentityOp(), [result]);
    }

    /// <summary>From here on the input is the image less a picture that comes with the weights, a value for each pixel, as older toolkits (Caffe, CNTK) normalised it.</summary>
    internal void SubtractMeanImage() => _centred = Subtract(_inputs[0], Buffer(MeanImage, _inputs[0].Shape));

    /// <summary>Fixes the state_dict order of child modules that are registered in another order than they run.</summary>
    public void Declare(params ReadOnlySpan<string> children)
    {
        foreach (string child in children)
            _modules.Declare(Join(child));
    }

    /// <summary>The state_dict entry <paramref name="name"/> of the open module; the same node when it was declared before.</summary>
    /// <exception cref="GraphException">It was declared before with another shape.</exception>
    public Node Parameter(string name, Shape shape, ParameterKind kind = ParameterKind.Parameter)
    {
        string key = Join(name);
        if (_parameters.TryGetValue(key, out Node? known))
            return known.Shape == shape ? known : throw new GraphException($"Parameter '{key}' was declared as {known.Shape} and is asked for as {shape}.");
        var spec = new ParameterSpec(key, shape, ElementType.Float32, kind);
        _modules.Add(spec);
        return _parameters[key] = Create(key, new ParameterOp(spec), []);
    }

    /// <summary>A buffer that takes part in the arithmetic.</summary>
    public Node Buffer(string name, Shape shape) => Parameter(name, shape, ParameterKind.Buffer);

    /// <summary>A state_dict entry that no node reads at inference, kept so that checkpoints match key for key.</summary>
    public void Unused(string name, Shape shape, ElementType type = ElementType.Float32, ParameterKind kind = ParameterKind.Buffer)
        => _modules.Add(new ParameterSpec(Join(name), shape, type, kind));

    /// <summary>A state_dict entry that is the same tensor as a parameter: of a module that shares it.</summary>
    internal void Tied(string name, Node parameter) => _modules.Add(new ParameterSpec(Join(name), parameter.Shape, Kind: ParameterKind.Buffer) { TiedTo = parameter.Name });

    /// <summary>A tensor known now, row-major.</summary>
    public Node Constant(Shape shape, ReadOnlySpan<float> values, string name = "constant")
        => Create(Unique(Join("#" + name)), new ConstantOp(shape, [.. values]), []);

    /// <summary>Adds a function (not a module) named after its FX target: <c>layer1.0.add</c>. Parameter arithmetic gets an internal name.</summary>
    internal Node Function(string target, Operator op, params ReadOnlySpan<Node> inputs)
    {
        if (inputs.IsEmpty)
            throw new GraphException($"'{Join(target)}' over nothing: expected one node or more.");
        bool batched = false;
        foreach (Node input in inputs)
            batched |= input.IsBatched;
        string name = batched ? NodeName(target) : $"{inputs[0].Name}#{target}";
        return Create(Unique(name), op, [.. inputs]);
    }

    /// <summary>Takes the next names of FX targets that give no tensor: a size, a number, a tuple. They are listed at this place.</summary>
    internal void WithoutTensor(params ReadOnlySpan<string> targets)
    {
        foreach (string target in targets)
        {
            string name = Unique(NodeName(target));
            _names.TryAdd(name, 0);
            _withoutTensor.Add((name, _nodes.Count));
        }
    }

    /// <summary>Adds the node of a module: it is named after the module's path.</summary>
    internal Node Module(string name, Operator op, params ReadOnlySpan<Node> inputs) => Create(Unique(NodeName(name)), op, [.. inputs]);

    /// <summary>Finishes the graph with these outputs. Everything built so far stays, so that any node can be chosen later.</summary>
    public Graph Build(params IEnumerable<Node> outputs) => new(_inputs, [.. _nodes], [.. outputs], _modules.ToSpecs()) { WithoutTensor = [.. _withoutTensor] };

    private string Join(string name) => _path.Length == 0 ? name : name.Length == 0 ? _path : name[0] == '#' ? _path + name : $"{_path}.{name}";

    private string NodeName(string name)
    {
        string full = Join(name);
        if (_leaf is null)
            return full;
        string inner = full.Length > _leaf.Length ? full[(_leaf.Length + 1)..] : "";
        return $"{_leaf}#{inner}";
    }

    private string Unique(string name)
    {
        if (!_names.TryGetValue(name, out int used))
            return name;
        string candidate;
        do
            candidate = $"{name}_{++used}";
        while (_names.ContainsKey(candidate));
        _names[name] = used;
        return candidate;
    }

    private Node Create(string name, Operator op, ImmutableArray<Node> inputs)
    {
        var node = new Node(name, op, inputs);
        _names.TryAdd(name, 0);
        _nodes.Add(node);
        return node;
    }
}
