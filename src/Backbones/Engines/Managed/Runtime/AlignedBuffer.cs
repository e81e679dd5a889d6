namespace Backbones.Engines.Managed;

/// <summary>Zeroed native memory on a 64-byte boundary, with room to read one register past its end.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private readonly NativeArena _arena;
    private readonly bool _ownsArena;
    private float* _pointer;

    /// <param name="length">Number of floats.</param>
    /// <param name="arena">Whose memory it is, and who frees it; null for memory of its own.</param>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public AlignedBuffer(long length, NativeArena? arena = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _ownsArena = arena is null;
        _arena = arena ?? new NativeArena(NativeArena.BytesOf(length));
        _pointer = _arena.Allocate(length);
    }

    /// <summary>Number of floats.</summary>
    public long Length { get; }

    /// <summary>The first float.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public float* Pointer => _pointer != null ? _pointer : throw new ObjectDisposedException(nameof(AlignedBuffer));

    public Span<float> Span => new(Pointer, checked((int)Length));

    public void Dispose()
    {
        _pointer = null;
        if (_ownsArena)
            _arena.Dispose();
    }
}
