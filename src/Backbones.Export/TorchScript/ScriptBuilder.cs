using Backbones.Engines;
using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <summary>
/// Turns a graph into the source of a <c>forward</c>, one line for each node, and the modules that hold its weights. The other parts of this class
/// map the operators, file by file as in Graph/Operators. Nothing is computed in place: gradients flow, and PyTorch's own optimisations see plain operators.
/// </summary>
internal sealed partial class ScriptBuilder
{
    private readonly Graph _graph;
    private readonly IReadOnlyDictionary<Node, DenseTensor> _constants;
    private readonly ScriptModule _root;
    private readonly List<string> _lines = [];
    private readonly HashSet<string> _names = ["self"];
    private readonly Dictionary<Node, string> _values = [];

    /// <param name="graph">Without identities.</param>
    /// <param name="constants">The values of its nodes without batch.</param>
    /// <param name="name">Name of the module.</param>
    public ScriptBuilder(Graph graph, IReadOnlyDictionary<Node, DenseTensor> constants, string name)
    {
        (_graph, _constants) = (graph, constants);
        string className = ScriptText.Identifier(name);
        _root = new ScriptModule(className, "self", [className]);
    }

    public ScriptProgram Build()
    {
        foreach (Node input in _graph.Inputs)
            _values[input] = ScriptText.Unique(ScriptText.Identifier(input.Name), _names);
        string arguments = string.Concat(_graph.Inputs.Select(i => $", {_values[i]}: Tensor"));
        bool isOne = _graph.Outputs.Length == 1;
        _lines.Add($"def forward(self: __torch__.{_root.ClassName}{arguments}) -> {(isOne ? "Tensor" : "List[Tensor]")}:");
        foreach (Node input in _graph.Inputs)
            Line($"assert torch.eq(torch.slice(torch.size({_values[input]}), 1), {ScriptText.Integers(input.Shape)}), {ScriptText.Text($"'{input.Name}' must be [N, {string.Join(", ", input.Shape.Select(d => $"{d}"))}].")}");
        foreach (Node node in _graph.Nodes.Where(n => n.IsBatched && n.Operator is not InputOp))
            _values[node] = Assign(node.Name, Map(node));
        string[] outputs = [.. _graph.Outputs.Select(o => o.IsBatched ? Value(o) : RepeatForBatch(o))];
        Line($"return {(isOne ? outputs[0] : $"[{string.Join(", ", outputs)}]")}");
        return new ScriptProgram(_root, _lines);
    }

    private void Line(string statement) => _lines.Add($"  {statement}");

    /// <summary>Names the value of an expression.</summary>
    private string Assign(string name, string expression)
    {
        string variable = ScriptText.Unique(ScriptText.Identifier(name), _names);
        Line($"{variable} = {expression}");
        return variable;
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
        PReluOp => Call("prelu", Value(n.Inputs[0]), Value(n.Inputs[1])),
        MaxPool2dOp op => MaxPool2d(n, op),
        AvgPool2dOp op => AvgPool2d(n, op),
        AdaptiveAvgPool2dOp op => Call("adaptive_avg_pool2d", Value(n.Inputs[0]), ScriptText.Integers(op.H, op.W)),
        ReduceOp op => Reduce(n, op),
        MatMulOp op => MatMul(n, op),
        SoftmaxOp op => Call("softmax", Value(n.Inputs[0]), $"{BatchedAxis(n, op.Axis)}", "None"),
        AttentionOp op => Attention(n, op),
        LstmOp => Lstm(n),
        ReshapeOp op => Reshape(Value(n.Inputs[0]), op.Target),
        PermuteOp op => Permute(Value(n.Inputs[0]), op.Axes.Select(a => a + 1)),
        ConcatOp op => Concat(n, op),
        SliceOp op => Slice(n, op),
        Pad2dOp op => Pad2d(n, op),
        ResizeOp op => Resize(n, op),
        RollOp op => Call("roll", Value(n.Inputs[0]), ScriptText.Integers(op.Shift), ScriptText.Integers(BatchedAxis(n, op.Axis))),
        GatherOp op => Gather(n, op),
        ExpandOp op => Call("expand", Aligned(n.Inputs[0], n.Shape.Rank), ScriptText.Integers([-1, .. op.Target])),
        _ => throw new NotSupportedException($"The TorchScript exporter has no mapping for {n.Operator.GetType().Name} (node '{n.Name}')."),
    };

    private static string Call(string function, params ReadOnlySpan<string?> arguments) => $"torch.{function}({string.Join(", ", arguments!)})";

    /// <summary>The expression of a node's value; a value without batch is registered when it is first asked for.</summary>
    private string Value(Node node)
        => _values.TryGetValue(node, out string? expression) ? expression : _values[node] = Register(node, KeyOf(node));

    /// <summary>The expression of a value that must be without batch.</summary>
    private string Parameter(Node node, Func<string>? key = null)
    {
        if (node.IsBatched)
            throw new NotSupportedException($"'{node.Name}' {node.Shape} depends on the input; as a weight, a TorchScript file needs a parameter.");
        return _values.TryGetValue(node, out string? expression) ? expression : _values[node] = Register(node, key?.Invoke() ?? KeyOf(node));
    }

    /// <summary>Registers a value; a parameter that is only read in another shape keeps its own.</summary>
    private string Register(Node node, string key)
    {
        Node stored = node;
        while (stored.Operator is ReshapeOp)
            stored = stored.Inputs[0];
        if (stored.Operator is not ParameterOp)
            stored = node;
        if (!_values.TryGetValue(stored, out string? expression))
            expression = _values[stored] = _root.Add(key, new ScriptTensor(stored.Shape, _constants[node].Data, Sources(node).Any(s => s.Kind == ParameterKind.Parameter)));
        return stored == node ? expression : Call("reshape", expression, ScriptText.Integers(node.Shape));
    }

    /// <summary>A weight's key: that of the first parameter that it is computed from.</summary>
    private static string KeyOf(Node node) => Sources(node).FirstOrDefault()?.Name ?? node.Name.Replace('#', '.');

    private static IEnumerable<ParameterSpec> Sources(Node node)
        => node.Operator is ParameterOp p ? [p.Spec] : node.Inputs.SelectMany(Sources);

    /// <summary>The batch size.</summary>
    private string BatchSize() => Call("size", _values[_graph.Inputs[0]], "0");

    /// <summary>An axis of a node's input, counted from the batch.</summary>
    private static int BatchedAxis(Node n, int axis) => 1 + n.Inputs[0].Shape.Axis(axis);
}
