using System.Runtime.InteropServices;

namespace Backbones.Engines.Torch;

/// <summary>Tensors over .NET arrays, without copying.</summary>
internal static class HostTensor
{
    /// <summary>A flat float32 tensor over the memory; a copy where it is no array's.</summary>
    public static Tensor Over(ReadOnlyMemory<float> values)
        => MemoryMarshal.TryGetArray(values, out ArraySegment<float> segment) ? Over(segment) : Over(new ArraySegment<float>(values.ToArray()));

    /// <summary>A flat float32 tensor over a part of an array, which is pinned until the tensor is disposed.</summary>
    public static Tensor Over(ArraySegment<float> segment) => torch.frombuffer(segment.Array!, ScalarType.Float32, segment.Count, segment.Offset);
}
