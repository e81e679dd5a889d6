using Google.Protobuf;

namespace Backbones.Onnx;

/// <summary>A graph encoded as an ONNX ModelProto. Weights go to the stream as they are, without a second copy in memory.</summary>
internal sealed class OnnxFile
{
    /// <summary>ONNX 1.12's format: what came with opset 17.</summary>
    private const int IrVersion = 8;

    private const int Opset = 17;

    /// <summary>Name of the batch dimension.</summary>
    private const string Batch = "N";

    private readonly OnnxMessage _properties, _description;
    private readonly (OnnxTensor Tensor, OnnxMessage Header)[] _tensors;
    private readonly long _graphLength;

    /// <exception cref="NotSupportedException">The file would be longer than a protobuf message may be.</exception>
    public OnnxFile(OnnxGraph graph, OnnxExportOptions options)
    {
        _properties = Properties(options.Metadata);
        _description = Describe(graph, options.Name);
        _tensors = [.. graph.Initializers.Select(t => (t, Header(t)))];
        _graphLength = _description.Encoded.Length + _tensors.Sum(t => FieldLength(OnnxFields.Graph.Initializer, TensorLength(t.Tensor, t.Header)));
        RequireWritable(_properties.Encoded.Length + FieldLength(OnnxFields.Model.Graph, _graphLength), options.Name);
    }

    public void Write(Stream stream)
    {
        stream.Write(_properties.Encoded);
        using var output = new CodedOutputStream(stream, leaveOpen: true);
        WriteHead(OnnxFields.Model.Graph, _graphLength);
        stream.Write(_description.Encoded);
        foreach ((OnnxTensor tensor, OnnxMessage header) in _tensors)
        {
            WriteHead(OnnxFields.Graph.Initializer, TensorLength(tensor, header));
            stream.Write(header.Encoded);
            WriteHead(OnnxFields.Tensor.RawData, tensor.Bytes.Length);
            stream.Write(tensor.Bytes);
        }

        void WriteHead(int field, long length)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteInt64(length);
            output.Flush();
        }
    }

    /// <summary>Refuses what protobuf cannot hold.</summary>
    /// <exception cref="NotSupportedException">It is longer than a protobuf message may be.</exception>
    public static void RequireWritable(long bytes, string name)
    {
        if (bytes > int.MaxValue)
            throw new NotSupportedException($"'{name}' comes to {bytes / 1e9:f2} GB as an ONNX file; a protobuf message holds at most {int.MaxValue / 1e9:f2} GB. Select fewer features (earlier levels need fewer weights) or a smaller model.");
    }

    private static OnnxMessage Properties(IReadOnlyDictionary<string, string> metadata)
    {
        OnnxMessage model = new OnnxMessage()
            .Integer(OnnxFields.Model.IrVersion, IrVersion)
            .Text(OnnxFields.Model.ProducerName, "TimmFeatures")
            .Text(OnnxFields.Model.ProducerVersion, typeof(OnnxFile).Assembly.GetName().Version!.ToString(3))
            .Message(OnnxFields.Model.OpsetImport, new OnnxMessage().Text(OnnxFields.OperatorSet.Domain, "").Integer(OnnxFields.OperatorSet.Version, Opset));
        foreach ((string key, string value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            model.Message(OnnxFields.Model.MetadataProps, new OnnxMessage().Text(OnnxFields.Entry.Key, key).Text(OnnxFields.Entry.Value, value));
        return model;
    }

    private static OnnxMessage Describe(OnnxGraph graph, string name)
    {
        var message = new OnnxMessage();
        message.Text(OnnxFields.Graph.Name, name);
        foreach (OnnxNode node in graph.Nodes)
            message.Message(OnnxFields.Graph.Node, Encode(node));
        foreach (OnnxValue value in graph.Inputs)
            message.Message(OnnxFields.Graph.Input, Encode(value));
        foreach (OnnxValue value in graph.Outputs)
            message.Message(OnnxFields.Graph.Output, Encode(value));
        foreach (OnnxValue value in graph.Values)
            message.Message(OnnxFields.Graph.ValueInfo, Encode(value));
        return message;
    }

    private static OnnxMessage Encode(OnnxNode node)
    {
        var message = new OnnxMessage();
        foreach (string input in node.Inputs)
            message.Text(OnnxFields.Node.Input, input);
        message.Text(OnnxFields.Node.Output, node.Output).Text(OnnxFields.Node.Name, node.Name).Text(OnnxFields.Node.OpType, node.Type);
        foreach (OnnxMessage attribute in node.Attributes)
            message.Message(OnnxFields.Node.Attribute, attribute);
        return message;
    }

    private static OnnxMessage Encode(OnnxValue value)
    {
        OnnxMessage shape = new OnnxMessage().Message(OnnxFields.TensorShape.Dimension, new OnnxMessage().Text(OnnxFields.Dimension.Parameter, Batch));
        foreach (int d in value.ItemShape)
            shape.Message(OnnxFields.TensorShape.Dimension, new OnnxMessage().Integer(OnnxFields.Dimension.Value, d));
        OnnxMessage tensor = new OnnxMessage().Integer(OnnxFields.TensorType.ElementType, OnnxFields.Tensor.Float32).Message(OnnxFields.TensorType.Shape, shape);
        return new OnnxMessage().Text(OnnxFields.ValueInfo.Name, value.Name)
            .Message(OnnxFields.ValueInfo.Type, new OnnxMessage().Message(OnnxFields.Type.TensorType, tensor));
    }

    /// <summary>A tensor without its elements.</summary>
    private static OnnxMessage Header(OnnxTensor tensor)
    {
        var header = new OnnxMessage();
        foreach (long d in tensor.Dims)
            header.Integer(OnnxFields.Tensor.Dims, d);
        return header.Integer(OnnxFields.Tensor.DataType, tensor.DataType).Text(OnnxFields.Tensor.Name, tensor.Name);
    }

    private static long TensorLength(OnnxTensor tensor, OnnxMessage header) => header.Encoded.Length + FieldLength(OnnxFields.Tensor.RawData, tensor.Bytes.Length);

    private static long FieldLength(int field, long content)
        => CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeInt64Size(content) + content;
}
