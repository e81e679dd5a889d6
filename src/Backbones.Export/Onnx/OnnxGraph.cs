using System.Runtime.InteropServices;
using Backbones.Graphs;

namespace Backbones.Onnx;

/// <summary>What becomes an ONNX GraphProto.</summary>
/// <param name="Nodes">Each after those whose results it reads.</param>
/// <param name="Initializers">Weights and constants.</param>
/// <param name="Inputs">Graph inputs, <c>[N, …]</c>.</param>
/// <param name="Outputs">Graph outputs, <c>[N, …]</c>.</param>
/// <param name="Values">Named values between, <c>[N, …]</c>.</param>
internal sealed record OnnxGraph(
    IReadOnlyList<OnnxNode> Nodes,
    IReadOnlyList<OnnxTensor> Initializers,
    IReadOnlyList<OnnxValue> Inputs,
    IReadOnlyList<OnnxValue> Outputs,
    IReadOnlyList<OnnxValue> Values);

/// <summary>An application of an ONNX operator with one result.</summary>
/// <param name="Type">Operator, as in the ONNX specification.</param>
/// <param name="Inputs">Names of values; empty for an optional one left out.</param>
/// <param name="Attributes">Encoded attributes.</param>
internal sealed record OnnxNode(string Type, IReadOnlyList<string> Inputs, IReadOnlyList<OnnxMessage> Attributes)
{
    /// <summary>The node's own name: timm's where it computes the value of a graph node.</summary>
    public required string Name { get; set; }

    /// <summary>Name of the result.</summary>
    public required string Output { get; set; }
}

/// <summary>The name and shape of a float32 value with a batch dimension.</summary>
internal sealed record OnnxValue(string Name, Shape ItemShape);

/// <summary>A tensor stored in the file.</summary>
/// <param name="Name">Name of the value.</param>
/// <param name="Dims">The whole shape.</param>
/// <param name="Values"><c>float[]</c> or <c>long[]</c>, row-major.</param>
internal sealed record OnnxTensor(string Name, IReadOnlyList<long> Dims, Array Values)
{
    public int DataType => (Values is float[]) ? OnnxFields.Tensor.Float32 : OnnxFields.Tensor.Int64;

    /// <summary>The elements as ONNX's raw_data.</summary>
    public ReadOnlySpan<byte> Bytes => Values is float[] floats ? MemoryMarshal.AsBytes<float>(floats) : MemoryMarshal.AsBytes<long>((long[])Values);
}

/// <summary>Makes attributes.</summary>
internal static class OnnxAttribute
{
    public static OnnxMessage Integer(string name, long value)
        => Named(name, OnnxFields.Attribute.TypeInteger).Integer(OnnxFields.Attribute.Integer, value);

    public static OnnxMessage Float(string name, float value)
        => Named(name, OnnxFields.Attribute.TypeFloat).Float(OnnxFields.Attribute.Float, value);

    public static OnnxMessage Text(string name, string value)
        => Named(name, OnnxFields.Attribute.TypeText).Text(OnnxFields.Attribute.Text, value);

    public static OnnxMessage Integers(string name, params IEnumerable<int> values)
    {
        OnnxMessage attribute = Named(name, OnnxFields.Attribute.TypeIntegers);
        foreach (int value in values)
            attribute.Integer(OnnxFields.Attribute.Integers, value);
        return attribute;
    }

    private static OnnxMessage Named(string name, int type) => new OnnxMessage().Text(OnnxFields.Attribute.Name, name).Integer(OnnxFields.Attribute.Type, type);
}
