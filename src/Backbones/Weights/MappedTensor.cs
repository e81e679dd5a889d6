using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>A tensor inside a memory-mapped file.</summary>
internal sealed unsafe class MappedTensor(SafetensorsEntry entry, SafeHandle mapping, byte* data)
    : ParameterTensor(entry.Name, entry.DType, entry.Shape)
{
    private readonly byte* _pointer = data + entry.Begin;

    public override TensorView Open() => new(mapping, _pointer, Length * DType.Size());
}
