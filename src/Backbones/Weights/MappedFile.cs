using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>A whole file mapped read-only. Views count as users of the mapping, and once float memory is handed out, which has no end of life of its own,
/// the garbage collector decides.</summary>
/// <remarks>
/// A mapped file must not become shorter: touching what is gone kills the process. Windows refuses to shorten one. Elsewhere the file stays open and
/// locked (which .NET's own ways to rewrite a file respect, other programs do not), and every reader checks first that the file has its length still;
/// what nothing can catch is a file cut by another program while values handed out before are in use. Replacing the file by renaming is always safe.
/// </remarks>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _accessor;
    private readonly SafeHandle _mapping;
    private readonly Lock _lock = new();
    private bool _handedOut;

    /// <summary>Maps a file that is not empty; the stream is closed with the mapping.</summary>
    public MappedFile(FileStream stream)
    {
        _stream = stream;
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
    /// <exception cref="WeightsFormatException">The file has become shorter.</exception>
    public TensorView Open(byte* pointer, int length)
    {
        lock (_lock)
        {
            CheckLength();
            return new(_mapping, pointer, length);
        }
    }

    /// <summary>Some elements as memory.</summary>
    /// <exception cref="ObjectDisposedException">The mapping is gone.</exception>
    /// <exception cref="WeightsFormatException">The file has become shorter.</exception>
    public ReadOnlyMemory<float> AsFloats(float* pointer, int length)
    {
        lock (_lock)
        {
            CheckLength();
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
                _stream.Dispose();
            }
            _file.Dispose();
        }
    }

    private void CheckLength()
    {
        ObjectDisposedException.ThrowIf(_mapping.IsClosed || _stream.SafeFileHandle.IsClosed, this);
        if (RandomAccess.GetLength(_stream.SafeFileHandle) is var now && now < Length)
            throw new WeightsFormatException(_stream.Name, $"the file was shortened from {Length} to {now} bytes while it was in use. To exchange weights write another file and rename it.");
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

/// <summary>A tensor inside a mapped file.</summary>
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
