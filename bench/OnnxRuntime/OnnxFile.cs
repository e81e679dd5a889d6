using System.Runtime.InteropServices;
using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Bench;

/// <summary>Writes the convolutional graphs that are measured as ONNX (opset 17), so that ONNX Runtime can run the same model.</summary>
internal sealed class OnnxFile
{
    private readonly ProtobufWriter _graph = new();
    private readonly IReadOnlyDictionary<Node, ReferenceTensor> _constants;
    private readonly HashSet<Node> _written = [];
    private int _shapes;

    private OnnxFile(Graph graph, IParameterSource parameters)
    {
        _constants = ParameterArithmetic.Evaluate(graph, parameters);
        foreach (Node node in graph.Nodes.Where(n => n.IsBatched && n.Operator is not InputOp))
            Write(node);
        _graph.Text(2, "backbone");
        foreach (Node input in graph.Inputs)
            _graph.Message(11, ValueInfo(input));
        foreach (Node output in graph.Outputs)
            _graph.Message(12, ValueInfo(output));
    }

    public static void Save(Graph graph, IParameterSource parameters, string path)
    {
        ProtobufWriter model = new ProtobufWriter().Integer(1, 8).Message(7, new OnnxFile(graph, parameters)._graph)
            .Message(8, new ProtobufWriter().Text(1, "").Integer(2, 17));
        File.WriteAllBytes(path, model.ToArray());
    }

    private void Write(Node n)
    {
        string[] inputs = [.. n.Inputs.Select(i => Name(i))];
        switch (n.Operator)
        {
            case IdentityOp: Add("Identity", n, inputs); break;
            case Conv2dOp op:
                Add("Conv", n, inputs, Ints("kernel_shape", n.Inputs[1].Shape[2], n.Inputs[1].Shape[3]), Ints("strides", op.Stride.H, op.Stride.W), Pads(op.Padding),
                    Ints("dilations", op.Dilation.H, op.Dilation.W), Int("group", op.Groups));
                break;
            case BatchNormOp op: Add("BatchNormalization", n, inputs, Float("epsilon", op.Eps)); break;
            case LinearOp when n.Inputs[0].Shape.Rank == 1: Add("Gemm", n, inputs, Int("transB", 1)); break;
            case MaxPool2dOp op:
                Add("MaxPool", n, inputs, Ints("kernel_shape", op.Kernel.H, op.Kernel.W), Ints("strides", op.Stride.H, op.Stride.W), Pads(op.Padding), Int("ceil_mode", op.CeilMode ? 1 : 0));
                break;
            case AvgPool2dOp op:
                Add("AveragePool", n, inputs, Ints("kernel_shape", op.Kernel.H, op.Kernel.W), Ints("strides", op.Stride.H, op.Stride.W), Pads(op.Padding),
                    Int("ceil_mode", op.CeilMode ? 1 : 0), Int("count_include_pad", op.CountIncludePad ? 1 : 0));
                break;
            case AdaptiveAvgPool2dOp { H: 1, W: 1 }: Add("GlobalAveragePool", n, inputs); break;
            case ReduceOp { Kind: ReduceKind.Mean } op:
                Add("ReduceMean", n, inputs, Ints("axes", [.. op.Axes.Select(a => 1 + n.Inputs[0].Shape.Axis(a))]), Int("keepdims", op.KeepDims ? 1 : 0));
                break;
            case ReshapeOp op: Add("Reshape", n, [inputs[0], ShapeConstant(op.Target)]); break;
            case ConcatOp op: Add("Concat", n, inputs, Int("axis", 1 + n.Shape.Axis(op.Axis))); break;
            case BinaryOp { Kind: BinaryKind.Add }: Add("Add", n, inputs); break;
            case BinaryOp { Kind: BinaryKind.Multiply }: Add("Mul", n, inputs); break;
            case UnaryOp { Kind: UnaryKind.Relu }: Add("Relu", n, inputs); break;
            case UnaryOp { Kind: UnaryKind.Sigmoid }: Add("Sigmoid", n, inputs); break;
            case UnaryOp { Kind: UnaryKind.HardSwish }: Add("HardSwish", n, inputs); break;
            case UnaryOp { Kind: UnaryKind.HardSigmoid }: Add("HardSigmoid", n, inputs, Float("alpha", 1f / 6)); break;
            case UnaryOp { Kind: UnaryKind.Silu }:
                AddNode("Sigmoid", [inputs[0]], $"{n.Name}#sigmoid");
                Add("Mul", n, [inputs[0], $"{n.Name}#sigmoid"]);
                break;
            default: throw new NotSupportedException($"The benchmark's ONNX writer has no mapping for {n.Operator} ('{n.Name}').");
        }
    }

    private string Name(Node node)
    {
        if (_constants.TryGetValue(node, out ReferenceTensor value) && _written.Add(node))
            Tensor(node.Name, 1, [.. node.Shape.Dimensions.ToArray().Select(d => (long)d)], MemoryMarshal.AsBytes<float>(value.Data));
        return node.Name;
    }

    private string ShapeConstant(Shape shape)
    {
        string name = $"shape#{_shapes++}";
        long[] dims = [0, .. shape.Dimensions.ToArray().Select(d => (long)d)];
        Tensor(name, 7, [dims.Length], MemoryMarshal.AsBytes<long>(dims));
        return name;
    }

    private void Tensor(string name, int type, long[] dims, ReadOnlySpan<byte> data)
    {
        var tensor = new ProtobufWriter();
        foreach (long d in dims)
            tensor.Integer(1, d);
        _graph.Message(5, tensor.Integer(2, type).Text(8, name).Bytes(9, data));
    }

    private void Add(string op, Node node, string[] inputs, params ProtobufWriter[] attributes) => AddNode(op, inputs, node.Name, attributes);

    private void AddNode(string op, string[] inputs, string output, params ProtobufWriter[] attributes)
    {
        var node = new ProtobufWriter();
        foreach (string input in inputs)
            node.Text(1, input);
        node.Text(2, output).Text(3, output).Text(4, op);
        foreach (ProtobufWriter attribute in attributes)
            node.Message(5, attribute);
        _graph.Message(1, node);
    }

    private static ProtobufWriter ValueInfo(Node node)
    {
        var dims = new ProtobufWriter().Message(1, new ProtobufWriter().Text(2, "N"));
        foreach (int d in node.Shape)
            dims.Message(1, new ProtobufWriter().Integer(1, d));
        return new ProtobufWriter().Text(1, node.Name).Message(2, new ProtobufWriter().Message(1, new ProtobufWriter().Integer(1, 1).Message(2, dims)));
    }

    private static ProtobufWriter Pads(Padding p) => Ints("pads", p.Top, p.Left, p.Bottom, p.Right);

    private static ProtobufWriter Ints(string name, params int[] values)
    {
        var attribute = new ProtobufWriter().Text(1, name);
        foreach (int v in values)
            attribute.Integer(8, v);
        return attribute.Integer(20, 7);
    }

    private static ProtobufWriter Int(string name, int value) => new ProtobufWriter().Text(1, name).Integer(3, value).Integer(20, 2);

    private static ProtobufWriter Float(string name, float value) => new ProtobufWriter().Text(1, name).Float(2, value).Integer(20, 1);
}
