using Backbones.Engines;
using Backbones.Graphs;

namespace Backbones.Onnx;

/// <summary>Turns a graph into ONNX nodes. The other parts of this class map the operators, file by file as in Graph/Operators.</summary>
internal sealed partial class OnnxGraphBuilder
{
    private readonly Graph _graph;
    private readonly IReadOnlyDictionary<Node, DenseTensor> _constants;
    private readonly IReadOnlyList<string> _outputNames;
    private readonly List<OnnxNode> _nodes = [];
    private readonly List<OnnxTensor> _initializers = [];
    private readonly List<OnnxValue> _values = [];
    private readonly HashSet<string> _names;
    private readonly HashSet<string> _nodeNames = [];
    private readonly Dictionary<Node, string> _named = [];
    private readonly Dictionary<string, string> _shared = [];
    private readonly Dictionary<(Node, string), string> _derived = [];
    private string _prefix = "";

    /// <param name="graph">Without identities.</param>
    /// <param name="constants">The values of its nodes without batch.</param>
    /// <param name="outputNames">One for each output, all different.</param>
    public OnnxGraphBuilder(Graph graph, IReadOnlyDictionary<Node, DenseTensor> constants, IReadOnlyList<string> outputNames)
    {
        (_graph, _constants, _outputNames) = (graph, constants, outputNames);
        // Inputs and outputs have their names for sure; what has the same name inside gives way.
        _names = [.. graph.Inputs.Select(i => i.Name), .. outputNames];
    }

    public OnnxGraph Build()
    {
        foreach (Node input in _graph.Inputs)
            _named[input] = input.Name;
        foreach (Node node in _graph.Nodes.Where(n => n.IsBatched && n.Operator is not InputOp))
            Add(node);
        for (int i = 0; i < _outputNames.Count; i++)
            AddOutput(_graph.Outputs[i], _outputNames[i]);
        return new(_nodes, _initializers, [.. _graph.Inputs.Select(n => new OnnxValue(n.Name, n.Shape))], [.. _outputNames.Zip(_graph.Outputs, (name, n) => new OnnxValue(name, n.Shape))], _values);
    }

    private void Add(Node node)
    {
        _prefix = node.Name;
        int output = _graph.Outputs.IndexOf(node), before = _nodes.Count;
        string name = output >= 0 ? _outputNames[output] : Unique(node.Name, _names), result = Map(node);
        // An operator that came to nothing (multiplication by 1) gave its input back.
        if (_nodes.Count == before)
            Op("Identity", [result]);
        NameLast(name, node.Name);
        _named[node] = name;
        if (output < 0)
            _values.Add(new OnnxValue(name, node.Shape));
    }

    /// <summary>Gives the node made last, whose result is the value wanted, its final name.</summary>
    private void NameLast(string output, string name) => (_nodes[^1].Output, _nodes[^1].Name) = (output, Unique(name, _nodeNames));

    private void AddOutput(Node node, string name)
    {
        if (_named.TryGetValue(node, out string? value) && value == name)
            return;
        _prefix = name;
        _ = node.IsBatched ? Op("Identity", [_named[node]]) : RepeatForBatch(node);
        NameLast(name, name);
    }

    private string Map(Node n) => n.Operator switch
    {
        Conv2dOp op => Conv2d(n, op),
        LinearOp op => Linear(n, op),
        BatchNormOp op => BatchNorm(n, op),
        LayerNormOp op => LayerNorm(n, op),
        RmsNormOp op => RmsNorm(n, op),
        GroupNormOp op => GroupNorm(n, op),
        UnaryOp op => Unary(op, Value(n.Inputs[0])),
        BinaryOp op => Binary(n, op),
        PReluOp => PRelu(n),
        MaxPool2dOp op => MaxPool2d(n, op),
        AvgPool2dOp op => AvgPool2d(n, op),
        AdaptiveAvgPool2dOp op => AdaptiveAvgPool2d(n, op),
        ReduceOp op => Reduce(n, op),
        MatMulOp op => MatMul(n, op),
        SoftmaxOp op => Op("Softmax", [Value(n.Inputs[0])], OnnxAttribute.Integer("axis", BatchedAxis(n, op.Axis))),
        AttentionOp op => Attention(n, op),
        LstmOp => Lstm(n),
        ReshapeOp op => Reshape(Value(n.Inputs[0]), op.Target),
        PermuteOp op => Transpose(Value(n.Inputs[0]), [.. op.Axes]),
        ConcatOp op => Concat(n, op),
        SliceOp op => Slice(Value(n.Inputs[0]), BatchedAxis(n, op.Axis), op.Start, op.Start + (op.Length - 1) * op.Step + 1, op.Step),
        Pad2dOp op => Pad2d(n, op),
        ResizeOp op => Resize(n, op),
        RollOp op => Roll(n, op),
        GatherOp op => Gather(Value(n.Inputs[0]), BatchedAxis(n, op.Axis), op.Indices),
        ExpandOp op => Op("Expand", [Aligned(n.Inputs[0], n.Shape.Rank), Integers([1, .. op.Target])]),
        _ => throw new NotSupportedException($"The ONNX exporter has no mapping for {n.Operator.GetType().Name} (node '{n.Name}')."),
    };

    /// <summary>Applies an operator and gives the name of its result.</summary>
    private string Op(string type, IReadOnlyList<string> inputs, params IReadOnlyList<OnnxMessage> attributes)
    {
        string name = Unique($"{_prefix}#{type}", _names);
        _nodes.Add(new OnnxNode(type, inputs, attributes) { Name = Unique(name, _nodeNames), Output = name });
        return name;
    }

    /// <summary>The name of a node's value; a value without batch is stored when it is first asked for.</summary>
    private string Value(Node node)
        => _named.TryGetValue(node, out string? name) ? name : _named[node] = Store(node.Name, node.Shape, Constant(node));

    /// <summary>The name of a value that must be without batch.</summary>
    private string Parameter(Node node) => node.IsBatched ? throw DependsOnInput(node) : Value(node);

    /// <summary>The elements of a value that must be without batch.</summary>
    private float[] Constant(Node node) => node.IsBatched ? throw DependsOnInput(node) : _constants[node].Data;

    private static NotSupportedException DependsOnInput(Node node)
        => new($"'{node.Name}' {node.Shape} depends on the input; as a weight, an ONNX file needs a parameter.");

    /// <summary>Stores a tensor of floats under this name or one like it.</summary>
    private string Store(string name, IEnumerable<int> shape, float[] values)
    {
        name = Unique(name, _names);
        _initializers.Add(new OnnxTensor(name, [.. shape.Select(d => (long)d)], values));
        return name;
    }

    /// <summary>Another form of a value without batch, stored once, under its name with a suffix.</summary>
    private string Derived(Node node, string suffix, IEnumerable<int> shape, Func<float[], float[]> values)
        => _derived.TryGetValue((node, suffix), out string? name) ? name : _derived[(node, suffix)] = Store(node.Name + suffix, shape, values(Constant(node)));

    private string Scalar(float value)
        => Shared($"scalar#{value}", [], () => new[] { value });

    private string Filled(int length, float value)
        => Shared($"filled#{length}x{value}", [length], () => Enumerable.Repeat(value, length).ToArray());

    private string Integers(params IReadOnlyList<int> values)
        => Shared($"integers#{string.Join(',', values.Select(v => $"{v}"))}", [values.Count], () => values.Select(v => (long)v).ToArray());

    /// <summary>A small constant, stored once however often it is used.</summary>
    private string Shared(string key, long[] dims, Func<Array> values)
    {
        if (_shared.TryGetValue(key, out string? name))
            return name;
        name = Unique(key, _names);
        _initializers.Add(new OnnxTensor(name, dims, values()));
        return _shared[key] = name;
    }

    /// <summary>The batch size as a vector of one element.</summary>
    private string BatchSize()
    {
        if (_shared.TryGetValue("batch", out string? name))
            return name;
        return _shared["batch"] = Op("Shape", [_graph.Inputs[0].Name], OnnxAttribute.Integer("start", 0), OnnxAttribute.Integer("end", 1));
    }

    private static string Unique(string name, HashSet<string> taken)
    {
        string candidate = name;
        for (int i = 1; !taken.Add(candidate); i++)
            candidate = $"{name}_{i}";
        return candidate;
    }

    /// <summary>An axis of a node's input, counted from the batch.</summary>
    private static int BatchedAxis(Node n, int axis) => 1 + n.Inputs[0].Shape.Axis(axis);
}
