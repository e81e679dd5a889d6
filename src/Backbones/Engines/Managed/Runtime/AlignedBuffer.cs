using System.Runtime.InteropServices;

namespace Backbones.Engines.Managed;

/// <summary>Zeroed native memory on a 64-byte boundary (a cache line and a 512-bit register), with room to read one register past its end.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int Slack = 64;
    private float* _pointer;
    private readonly long _bytes;

    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public AlignedBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _bytes = checked(length * sizeof(float) + Slack);
        _pointer = (float*)NativeMemory.AlignedAlloc(checked((nuint)_bytes), 64);
        NativeMemory.Clear(_pointer, (nuint)_bytes);
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
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        GC.RemoveMemoryPressure(_bytes);
    }
}
