using System.Buffers.Binary;

namespace Backbones.Weights;

/// <summary>A safetensors file: its tensors are read in place from a memory mapping, or from bytes in memory.</summary>
/// <remarks>Nothing is copied on opening, the operating system reads pages as tensors are used and shares them between processes.
/// Nobody may shorten the file while it is open; replacing it by renaming another is safe. Windows does not let it be shortened; elsewhere it is locked, which
/// .NET's own writers respect, and a tensor of a shortened file is refused where it is read, but not where its values are in use already.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile? _mapping;

    private SafetensorsFile(string source, SafetensorsHeader header, Func<SafetensorsEntry, ParameterTensor> tensor, MappedFile? mapping = null)
    {
        Source = source;
        Metadata = header.Metadata;
        Tensors = [.. header.Entries.Select(tensor)];
        _mapping = mapping;
    }

    /// <summary>The path, or the name given for bytes in memory.</summary>
    public string Source { get; }

    /// <summary>All tensors, in the order of their data.</summary>
    public IReadOnlyList<ParameterTensor> Tensors { get; }

    /// <summary>The header's free-form table, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps a file and checks its whole header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightsFormatException">The file is not a well-formed safetensors file.</exception>
    public static unsafe SafetensorsFile Open(string path)
    {
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        MappedFile? mapping = null;
        try
        {
            if (stream.Length == 0)
            {
                throw new WeightsFormatException(path, "the file is empty."); // which cannot be mapped
            }
            mapping = new MappedFile(stream);
            ReadOnlySpan<byte> head = new(mapping.Start, (int)Math.Min(mapping.Length, int.MaxValue));
            int dataStart = ReadHeader(head, mapping.Length, path, out SafetensorsHeader header);
            MappedFile mapped = mapping;
            return new SafetensorsFile(path, header, e => new MappedTensor(e, mapped, dataStart), mapped);
        }
        catch
        {
            mapping?.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads a safetensors file that is in memory; the bytes are not copied.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="source">How errors name it.</param>
    /// <exception cref="WeightsFormatException">The bytes are not a well-formed safetensors file.</exception>
    public static SafetensorsFile Read(ReadOnlyMemory<byte> bytes, string source = "safetensors bytes")
    {
        int dataStart = ReadHeader(bytes.Span, bytes.Length, source, out SafetensorsHeader header);
        ReadOnlyMemory<byte> data = bytes[dataStart..];
        return new SafetensorsFile(source, header,
            e => new MemoryTensor(e.Name, e.DType, e.Shape, data.Slice((int)e.Begin, (int)(e.End - e.Begin))));
    }

    /// <summary>Reads a safetensors file from a stream, to its end, into memory.</summary>
    /// <param name="stream">Positioned at the file's start; it is not closed.</param>
    /// <param name="source">How errors name it.</param>
    /// <exception cref="WeightsFormatException">The bytes are not a well-formed safetensors file, or the stream ended early.</exception>
    public static SafetensorsFile Read(Stream stream, string source = "safetensors stream")
    {
        MemoryStream copy = new();
        stream.CopyTo(copy);
        return Read(copy.GetBuffer().AsMemory(0, (int)copy.Length), source);
    }

    /// <summary>Closes the file as soon as the last open view is closed; then no tensor can be opened any more.</summary>
    public void Dispose() => _mapping?.Dispose();

    /// <summary>Reads the header and returns where the data starts.</summary>
    private static int ReadHeader(ReadOnlySpan<byte> head, long fileLength, string source, out SafetensorsHeader header)
    {
        if (head.Length < SafetensorsHeader.LengthField)
        {
            throw new WeightsFormatException(source, $"truncated: {head.Length} bytes, a safetensors file has at least {SafetensorsHeader.LengthField}.");
        }
        int length = SafetensorsHeader.CheckLength(BinaryPrimitives.ReadUInt64LittleEndian(head), fileLength, source);
        int dataStart = SafetensorsHeader.LengthField + length;
        header = SafetensorsHeader.Parse(head[SafetensorsHeader.LengthField..dataStart], fileLength - dataStart, source);
        return dataStart;
    }
}
