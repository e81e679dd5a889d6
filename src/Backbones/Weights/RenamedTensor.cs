namespace Backbones.Weights;

/// <summary>A tensor under another key.</summary>
internal sealed class RenamedTensor(string name, ParameterTensor tensor) : ParameterTensor(name, tensor.DType, tensor.Shape)
{
    public override TensorView Open() => tensor.Open();

    public override void CopyTo(Span<float> destination) => tensor.CopyTo(destination);

    public override ReadOnlyMemory<float> AsFloats() => tensor.AsFloats();
}
