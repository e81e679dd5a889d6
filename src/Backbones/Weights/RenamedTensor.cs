using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>A tensor under another key, and perhaps in another shape of as many elements.</summary>
internal sealed class RenamedTensor(string name, Shape shape, ParameterTensor tensor) : ParameterTensor(name, tensor.DType, shape)
{
    /// <summary>The tensor as it is stored.</summary>
    public ParameterTensor Stored { get; } = tensor is RenamedTensor renamed ? renamed.Stored : tensor;

    public override TensorView Open() => Stored.Open();

    public override void CopyTo(Span<float> destination) => Stored.CopyTo(destination);

    public override ReadOnlyMemory<float> AsFloats() => Stored.AsFloats();
}
