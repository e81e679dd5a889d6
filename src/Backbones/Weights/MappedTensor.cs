namespace Backbones.Weights;

/// <summary>A tensor inside a memory-mapped file.</summary>
internal sealed unsafe class MappedTensor(SafetensorsEntry entry, MappedFile file, long dataStart)
    : ParameterTensor(entry.Name, entry.DType, entry.Shape)
{
    private readonly byte* _pointer = file.Start + dataStart + entry.Begin;

    public override TensorView Open() => file.Open(_pointer, Length * DType.Size());

    /// <remarks>In place where the file aligns the elements, as the usual writers do.</remarks>
    public override ReadOnlyMemory<float> AsFloats() => DType == DType.Float32 && (nint)_pointer % sizeof(float) == 0
        ? file.AsFloats((float*)_pointer, Length)
        : base.AsFloats();
}
