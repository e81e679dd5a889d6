using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>A whole file mapped read-only. No use of its bytes can meet an unmapped page: views count as users of the mapping, and
/// once float memory is handed out, which has no end of life of its own, the garbage collector decides.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _accessor;
    private readonly SafeHandle _mapping;
    private readonly Lock _lock = new();
    private bool _handedOut;

    /// <summary>Maps a file that is not empty; the stream may be closed afterwards.</summary>
    public MappedFile(FileStream stream)
    {
        Length = stream.Length;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            _accessor = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            _mapping = _accessor.SafeMemoryMappedViewHandle;
            Start = (byte*)_mapping.DangerousGetHandle() + _accessor.PointerOffset;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The first byte.</summary>
    public byte* Start { get; }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>A view of some bytes.</summary>
    /// <exception cref="ObjectDisposedException">The mapping is gone.</exception>
    public TensorView Open(byte* pointer, int length) => new(_mapping, pointer, length);

    /// <summary>Some elements as memory.</summary>
    /// <exception cref="ObjectDisposedException">The mapping is gone.</exception>
    public ReadOnlyMemory<float> AsFloats(float* pointer, int length)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_mapping.IsClosed, this);
            _handedOut = true;
        }
        return new Floats(this, pointer, length).Memory;
    }

    /// <summary>Unmaps the file when the last view is closed, or, once float memory was handed out, when that is collected.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_handedOut)
            {
                _accessor.Dispose();
            }
            _file.Dispose();
        }
    }

    /// <summary>Reaches the mapping's handle through its owner, whose finalization unmaps.</summary>
    private sealed class Floats(MappedFile owner, float* pointer, int length) : MemoryManager<float>
    {
        public override Span<float> GetSpan()
        {
            GC.KeepAlive(owner);
            return new Span<float>(pointer, length);
        }

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length, nameof(elementIndex));
            return new MemoryHandle(pointer + elementIndex, pinnable: this);
        }

        public override void Unpin()
        {
            // Mapped pages do not move.
        }

        protected override void Dispose(bool disposing)
        {
            // See the owner.
        }
    }
}
