using System.Buffers;
using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>Bytes in managed memory seen as float32, without a copy.</summary>
internal sealed class FloatMemory(ReadOnlyMemory<byte> bytes) : MemoryManager<float>
{
    public override Span<float> GetSpan() => MemoryMarshal.Cast<byte, float>(MemoryMarshal.AsMemory(bytes).Span);

    public override MemoryHandle Pin(int elementIndex = 0) => bytes[(elementIndex * sizeof(float))..].Pin();

    public override void Unpin()
    {
        // The handle that Pin returns unpins itself.
    }

    protected override void Dispose(bool disposing)
    {
    }
}
