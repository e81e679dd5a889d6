using Backbones.Weights;
using Google.Protobuf;

namespace Backbones.Onnx;

/// <summary>What another program's ONNX file is made of, as far as weights are taken from it: which operator reads which tensor. Nothing is run.</summary>
/// <param name="Nodes">The nodes, in the order in which they run.</param>
/// <param name="Tensors">The float32 tensors by name (initializers).</param>
internal sealed record OnnxNetwork(IReadOnlyList<OnnxNetwork.Node> Nodes, IReadOnlyDictionary<string, MemoryTensor> Tensors)
{
    /// <summary>One node.</summary>
    /// <param name="Operator">What it computes, such as <c>Conv</c>.</param>
    /// <param name="Inputs">Names of what it reads.</param>
    public sealed record Node(string Operator, IReadOnlyList<string> Inputs);

    /// <summary>Reads a file's bytes.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="source">How errors name it.</param>
    /// <exception cref="WeightsFormatException">It is no ONNX file, or a tensor has not as many values as its shape.</exception>
    public static OnnxNetwork Read(byte[] content, string source)
    {
        List<Node> nodes = [];
        Dictionary<string, MemoryTensor> tensors = [];
        try
        {
            foreach ((int field, CodedInputStream model) in Fields(new CodedInputStream(content)))
            {
                if (field == OnnxFields.Model.Graph)
                    ReadGraph(model.ReadBytes(), nodes, tensors);
            }
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or ArgumentException or OverflowException)
        {
            throw new WeightsFormatException(source, $"no ONNX file, or a damaged one: {e.Message}", e);
        }
        return nodes.Count > 0 ? new(nodes, tensors) : throw new WeightsFormatException(source, "no ONNX file: it has no nodes.");
    }

    private static void ReadGraph(ByteString graph, List<Node> nodes, Dictionary<string, MemoryTensor> tensors)
    {
        foreach ((int field, CodedInputStream input) in Fields(graph.CreateCodedInput()))
        {
            if (field == OnnxFields.Graph.Node)
                nodes.Add(ReadNode(input.ReadBytes()));
            else if (field == OnnxFields.Graph.Initializer && ReadTensor(input.ReadBytes()) is { } tensor)
                tensors[tensor.Name] = tensor;
        }
    }

    private static Node ReadNode(ByteString node)
    {
        string type = "";
        List<string> inputs = [];
        foreach ((int field, CodedInputStream input) in Fields(node.CreateCodedInput()))
        {
            if (field == OnnxFields.Node.Input)
                inputs.Add(input.ReadString());
            else if (field == OnnxFields.Node.OpType)
                type = input.ReadString();
        }
        return new Node(type, inputs);
    }

    /// <summary>A tensor of floats; null for other types, which are no weights.</summary>
    private static MemoryTensor? ReadTensor(ByteString tensor)
    {
        string name = "";
        List<int> dims = [];
        ReadOnlyMemory<byte> data = default;
        int type = 0;
        CodedInputStream input = tensor.CreateCodedInput();
        while (input.ReadTag() is var tag && tag != 0)
        {
            bool packed = WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited;
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case OnnxFields.Tensor.Dims when packed:
                    CodedInputStream sizes = input.ReadBytes().CreateCodedInput();
                    while (!sizes.IsAtEnd)
                        dims.Add(checked((int)sizes.ReadInt64()));
                    break;
                case OnnxFields.Tensor.Dims: dims.Add(checked((int)input.ReadInt64())); break;
                case OnnxFields.Tensor.DataType: type = input.ReadInt32(); break;
                case OnnxFields.Tensor.Name: name = input.ReadString(); break;
                // Packed floats are little-endian bytes, as raw data are.
                case OnnxFields.Tensor.FloatData or OnnxFields.Tensor.RawData when packed: data = input.ReadBytes().Memory; break;
                default: input.SkipLastField(); break;
            }
        }
        return type == OnnxFields.Tensor.Float32 ? new MemoryTensor(name, DType.Float32, [.. dims], data) : null;
    }

    /// <summary>The fields of a message, each to be read by who gets it; what is not read is skipped.</summary>
    private static IEnumerable<(int Field, CodedInputStream Input)> Fields(CodedInputStream input)
    {
        while (input.ReadTag() is var tag && tag != 0)
        {
            long start = input.Position;
            yield return (WireFormat.GetTagFieldNumber(tag), input);
            if (input.Position == start)
                input.SkipLastField();
        }
    }
}
