using Google.Protobuf;

namespace Backbones.Onnx;

/// <summary>A protobuf message in the making: its fields are encoded in the order in which they are added.</summary>
internal sealed class OnnxMessage
{
    /// <summary>Most messages are an attribute or a dimension: the default buffer of 4 KB would be most of the memory of an export.</summary>
    private const int BufferSize = 64;

    private readonly MemoryStream _encoded = new();
    private readonly CodedOutputStream _output;

    public OnnxMessage() => _output = new CodedOutputStream(_encoded, BufferSize);

    /// <summary>The fields added so far.</summary>
    public ReadOnlySpan<byte> Encoded
    {
        get
        {
            _output.Flush();
            return _encoded.GetBuffer().AsSpan(0, (int)_encoded.Length);
        }
    }

    public OnnxMessage Integer(int field, long value)
    {
        _output.WriteTag(field, WireFormat.WireType.Varint);
        _output.WriteInt64(value);
        return this;
    }

    public OnnxMessage Float(int field, float value)
    {
        _output.WriteTag(field, WireFormat.WireType.Fixed32);
        _output.WriteFloat(value);
        return this;
    }

    public OnnxMessage Text(int field, string value)
    {
        _output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _output.WriteString(value);
        return this;
    }

    public OnnxMessage Message(int field, OnnxMessage message)
    {
        ReadOnlySpan<byte> encoded = message.Encoded;
        _output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _output.WriteLength(encoded.Length);
        _output.Flush();
        _encoded.Write(encoded);
        return this;
    }
}
