using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Backbones.Weights;

/// <summary>Writes safetensors files, byte for byte as the reference implementation does: tensors by type (widest first) and name,
/// the header padded with spaces to a multiple of 8.</summary>
public static class SafetensorsWriter
{
    /// <summary>What PyTorch's writers record; readers such as transformers look for it.</summary>
    private static readonly Dictionary<string, string> PyTorch = new() { ["format"] = "pt" };

    /// <summary>Writes a file whole or not at all, replacing an existing one, which may be the one that the tensors are read from (but on Windows, which does not
    /// replace a file in use).</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors, in any order.</param>
    /// <param name="metadata">The header's table; <c>format: pt</c> if left out, none if empty.</param>
    /// <exception cref="IOException">The disk is full, or the file cannot be replaced. What was there is there still.</exception>
    /// <exception cref="ArgumentException">Two tensors have the same name, or one has a reserved name.</exception>
    public static void Write(string path, IEnumerable<ParameterTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ParameterTensor[] sorted = Sort(tensors);
        AtomicFile.Write(path, stream => Write(stream, sorted, metadata ?? PyTorch));
    }

    /// <summary>Writes to a stream at its position; the stream is not closed.</summary>
    /// <inheritdoc cref="Write(string, IEnumerable{ParameterTensor}, IReadOnlyDictionary{string, string}?)"/>
    /// <param name="stream">A writable stream.</param>
    /// <param name="tensors">The tensors, in any order.</param>
    /// <param name="metadata">The header's table; <c>format: pt</c> if left out, none if empty.</param>
    public static void Write(Stream stream, IEnumerable<ParameterTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
        => Write(stream, Sort(tensors), metadata ?? PyTorch);

    /// <summary>Bytes of the file that <see cref="Write(Stream, IEnumerable{ParameterTensor}, IReadOnlyDictionary{string, string}?)"/> makes of these tensors.</summary>
    /// <inheritdoc cref="Write(string, IEnumerable{ParameterTensor}, IReadOnlyDictionary{string, string}?)"/>
    public static long LengthOf(IEnumerable<ParameterTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ParameterTensor[] sorted = Sort(tensors);
        return SafetensorsHeader.LengthField + Header(sorted, metadata ?? PyTorch).Length + sorted.Sum(t => (long)t.Length * t.DType.Size());
    }

    private static void Write(Stream stream, ParameterTensor[] tensors, IReadOnlyDictionary<string, string> metadata)
    {
        byte[] header = Header(tensors, metadata);
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthField];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (ParameterTensor tensor in tensors)
        {
            using TensorView view = tensor.Open();
            stream.Write(view.Bytes);
        }
    }

    private static ParameterTensor[] Sort(IEnumerable<ParameterTensor> tensors)
    {
        ParameterTensor[] sorted = [.. tensors.OrderByDescending(t => t.DType).ThenBy(t => t.Name, StringComparer.Ordinal)];
        HashSet<string> names = new([SafetensorsHeader.MetadataKey], StringComparer.Ordinal);
        foreach (ParameterTensor tensor in sorted)
        {
            if (!names.Add(tensor.Name))
            {
                throw new ArgumentException($"The name '{tensor.Name}' is given twice or is reserved.", nameof(tensors));
            }
        }
        return sorted;
    }

    private static byte[] Header(ParameterTensor[] tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream stream = new();
        // The reference writes non-ASCII names and quotes as they are, without the escapes that HTML would need.
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (ParameterTensor tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.Code());
                json.WriteStartArray("shape");
                foreach (int dimension in tensor.Shape)
                {
                    json.WriteNumberValue(dimension);
                }
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += (long)tensor.Length * tensor.DType.Size();
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (stream.Length % 8 != 0)
        {
            stream.WriteByte((byte)' ');
        }
        return stream.ToArray();
    }
}
