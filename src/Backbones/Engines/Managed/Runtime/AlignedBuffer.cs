using System.Runtime.InteropServices;

namespace Backbones.Engines.Managed;

/// <summary>Zeroed native memory on a 64-byte boundary (a cache line and a 512-bit register), with room to read one register past its end.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int Alignment = 64;
    private const int Slack = 64;
    private void* _memory;
    private float* _pointer;
    private readonly long _bytes;

    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public AlignedBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _bytes = checked(length * sizeof(float) + Slack + Alignment);
        // Zeroed by the system page by page on first use: memory that a run never touches costs nothing.
        _memory = NativeMemory.AllocZeroed(checked((nuint)_bytes));
        _pointer = (float*)(((nuint)_memory + Alignment - 1) / Alignment * Alignment);
        GC.AddMemoryPressure(_bytes);
    }

    ~AlignedBuffer() => Free();

    /// <summary>Number of floats.</summary>
    public long Length { get; }

    /// <summary>The first float.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public float* Pointer => _pointer != null ? _pointer : throw new ObjectDisposedException(nameof(AlignedBuffer));

    public Span<float> Span => new(Pointer, checked((int)Length));

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer == null)
            return;
        NativeMemory.Free(_memory);
        _memory = _pointer = null;
        GC.RemoveMemoryPressure(_bytes);
    }
}
