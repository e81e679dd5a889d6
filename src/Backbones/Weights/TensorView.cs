using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>Direct access to a stored tensor's bytes, without a copy where the store maps a file.</summary>
/// <remarks>Keeps the file mapped: the store may be disposed while views are open, the memory goes when the last one is closed.
/// Spans taken from a view must not be used after the view is disposed.</remarks>
public sealed unsafe class TensorView : IDisposable
{
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly byte* _pointer;
    private readonly int _length;
    private SafeHandle? _mapping;
    private bool _disposed;

    internal TensorView(ReadOnlyMemory<byte> memory) => _memory = memory;

    internal TensorView(SafeHandle mapping, byte* pointer, int length)
    {
        bool added = false;
        mapping.DangerousAddRef(ref added);
        _mapping = mapping;
        _pointer = pointer;
        _length = length;
    }

    /// <summary>The tensor's elements, row-major, little-endian.</summary>
    /// <exception cref="ObjectDisposedException">The view was closed.</exception>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _pointer != null ? new ReadOnlySpan<byte>(_pointer, _length) : _memory.Span;
        }
    }

    /// <summary>The elements as <typeparamref name="T"/>, whose size must be that of the tensor's element type.</summary>
    public ReadOnlySpan<T> As<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        Interlocked.Exchange(ref _mapping, null)?.DangerousRelease();
    }
}
