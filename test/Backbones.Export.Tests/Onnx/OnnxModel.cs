using System.Buffers.Binary;
using System.Text;

namespace Backbones.Tests.Onnx;

/// <summary>A second reading of the ONNX format, from the bytes: what the tests check files with.</summary>
internal sealed class OnnxModel
{
    public OnnxModel(ReadOnlyMemory<byte> file)
    {
        var model = new Message(file);
        IrVersion = model.Number(1);
        Opsets = [.. model.All(8).Select(o => (o.TextOr(1, ""), o.Number(2)))];
        Metadata = model.All(14).ToDictionary(e => e.Text(1), e => e.Text(2));
        Message graph = model.All(7).Single();
        Name = graph.Text(2);
        Nodes = [.. graph.All(1).Select(n => new Node(n.Text(4), n.Text(3), [.. n.Texts(1)], [.. n.Texts(2)], n.All(5).ToDictionary(a => a.Text(1))))];
        Tensors = graph.All(5).Select(t => new Tensor(t.Text(8), [.. t.Numbers(1)], t.Number(2), t.Bytes(9))).ToDictionary(t => t.Name);
        Inputs = [.. graph.All(11).Select(ReadValue)];
        Outputs = [.. graph.All(12).Select(ReadValue)];
        Values = [.. graph.All(13).Select(ReadValue)];
    }

    public string Name { get; }

    public long IrVersion { get; }

    public (string Domain, long Version)[] Opsets { get; }

    public Dictionary<string, string> Metadata { get; }

    public Node[] Nodes { get; }

    public Dictionary<string, Tensor> Tensors { get; }

    public Value[] Inputs { get; }

    public Value[] Outputs { get; }

    public Value[] Values { get; }

    /// <summary>A dimension is a number, or the name of a symbolic one.</summary>
    public sealed record Value(string Name, long ElementType, object[] Shape);

    public sealed record Tensor(string Name, long[] Dims, long DataType, ReadOnlyMemory<byte> Data);

    public sealed record Node(string Type, string Name, string[] Inputs, string[] Outputs, Dictionary<string, Message> Attributes);

    private static Value ReadValue(Message value)
    {
        Message tensor = value.All(2).Single().All(1).Single();
        return new Value(value.Text(1), tensor.Number(1), [.. tensor.All(2).Single().All(1).Select(d => d.TextOr(2, "") is { Length: > 0 } symbol ? (object)symbol : d.Number(1))]);
    }

    /// <summary>A protobuf message: fields by number, nested ones as bytes.</summary>
    public sealed class Message
    {
        private readonly List<(int Field, long Number, ReadOnlyMemory<byte> Bytes)> _fields = [];

        public Message(ReadOnlyMemory<byte> data)
        {
            while (!data.IsEmpty)
            {
                ulong key = Varint(ref data);
                (int field, int wire) = ((int)(key >> 3), (int)(key & 7));
                switch (wire)
                {
                    case 0:
                        _fields.Add((field, (long)Varint(ref data), default));
                        break;
                    case 2:
                        int length = checked((int)Varint(ref data));
                        _fields.Add((field, 0, data[..length]));
                        data = data[length..];
                        break;
                    case 5:
                        _fields.Add((field, BinaryPrimitives.ReadInt32LittleEndian(data.Span), default));
                        data = data[4..];
                        break;
                    default:
                        throw new InvalidDataException($"Field {field} has wire type {wire}.");
                }
            }
        }

        public long Number(int field) => Numbers(field).Single();

        public IEnumerable<long> Numbers(int field) => _fields.Where(f => f.Field == field).Select(f => f.Number);

        public ReadOnlyMemory<byte> Bytes(int field) => _fields.Single(f => f.Field == field).Bytes;

        public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).Span);

        public string TextOr(int field, string missing) => Texts(field).SingleOrDefault(missing);

        public IEnumerable<string> Texts(int field) => _fields.Where(f => f.Field == field).Select(f => Encoding.UTF8.GetString(f.Bytes.Span));

        public IEnumerable<Message> All(int field) => _fields.Where(f => f.Field == field).Select(f => new Message(f.Bytes));

        private static ulong Varint(ref ReadOnlyMemory<byte> data)
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = data.Span[0];
                data = data[1..];
                value |= (ulong)(b & 0x7F) << shift;
                if (b < 0x80)
                    return value;
            }
        }
    }
}
