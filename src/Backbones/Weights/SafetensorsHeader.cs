using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>One tensor of a safetensors header; offsets count from the end of the header.</summary>
internal sealed record SafetensorsEntry(string Name, DType DType, Shape Shape, long Begin, long End);

/// <summary>The JSON header of a safetensors file, checked completely before any data is touched.</summary>
/// <remarks>Source: the safetensors format description. Where the reference implementation is lenient without need, this is strict:
/// the header must start with <c>{</c> and must not repeat a key.</remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference implementation's limit on the header's length in bytes.</summary>
    public const int MaxLength = 100_000_000;

    /// <summary>The key of the string-to-string table among the tensors.</summary>
    public const string MetadataKey = "__metadata__";

    /// <summary>Size of the header's length field in bytes.</summary>
    public const int LengthField = 8;

    private readonly string _source;
    private readonly Dictionary<string, string> _metadata = [];
    private readonly List<SafetensorsEntry> _entries = [];

    private SafetensorsHeader(string source) => _source = source;

    /// <summary>Tensors in the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => _entries;

    /// <summary>The free-form table, empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Checks the length field against the file.</summary>
    /// <param name="value">The first eight bytes as a little-endian number.</param>
    /// <param name="fileLength">Length of the whole file.</param>
    /// <param name="source">The file's name.</param>
    public static int CheckLength(ulong value, long fileLength, string source)
    {
        if (value > MaxLength)
        {
            throw new WeightsFormatException(source,
                $"the safetensors header claims {value} bytes, at most {MaxLength} are allowed; is this a safetensors file?");
        }
        if ((long)value + LengthField > fileLength)
        {
            throw new WeightsFormatException(source,
                $"truncated: the safetensors header claims {value} bytes but the file has only {fileLength} in all.");
        }
        return (int)value;
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header's bytes, without the length field.</param>
    /// <param name="dataLength">Number of bytes after the header.</param>
    /// <param name="source">The file's name.</param>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string source)
    {
        SafetensorsHeader header = new(source);
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw header.Error("the safetensors header does not start with '{'.");
        }
        if (!Utf8.IsValid(json))
        {
            throw header.Error("the safetensors header is not valid UTF-8.");
        }
        try
        {
            header.ReadAll(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate in a string.
            throw new WeightsFormatException(source, $"the safetensors header is not valid JSON: {e.Message}", e);
        }
        header.CheckOffsets(dataLength);
        return header;
    }

    private void ReadAll(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        HashSet<string> names = new(StringComparer.Ordinal);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = reader.GetString()!;
            if (!names.Add(name))
            {
                throw Error($"the safetensors header has the key '{name}' twice.");
            }
            reader.Read();
            if (name == MetadataKey)
            {
                ReadMetadata(ref reader);
            }
            else
            {
                _entries.Add(ReadEntry(ref reader, name));
            }
        }
        // Only white space may follow (writers pad with spaces); the reader throws on anything else.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Error($"'{MetadataKey}' must be an object of strings.");
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Error($"'{MetadataKey}' may hold strings only; the value of '{key}' is something else.");
            }
            if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                throw Error($"'{MetadataKey}' has the key '{key}' twice.");
            }
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Error($"'{name}' must be an object with dtype, shape and data_offsets.");
        }
        DType? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        HashSet<string> fields = new(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string field = reader.GetString()!;
            if (!fields.Add(field))
            {
                throw Error($"'{name}' has the field '{field}' twice.");
            }
            reader.Read();
            switch (field)
            {
                case "dtype": dtype = ReadDType(ref reader, name); break;
                case "shape": shape = ReadIntegers(ref reader, name, field); break;
                case "data_offsets": offsets = ReadIntegers(ref reader, name, field); break;
                default: reader.Skip(); break; // as the reference implementation does
            }
        }
        if (dtype is null || shape is null || offsets is null)
        {
            string missing = dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Error($"'{name}' has no {missing}.");
        }
        if (offsets.Count != 2)
        {
            throw Error($"data_offsets of '{name}' must be two numbers, found {offsets.Count}.");
        }
        CheckSize(name, dtype.Value, shape, offsets[0], offsets[1]);
        return new SafetensorsEntry(name, dtype.Value, [.. shape.Select(d => (int)d)], offsets[0], offsets[1]);
    }

    private DType ReadDType(ref Utf8JsonReader reader, string name)
    {
        string text = reader.TokenType == JsonTokenType.String ? reader.GetString()! : Encoding.UTF8.GetString(reader.ValueSpan);
        return DTypes.TryParseCode(text, out DType dtype)
            ? dtype
            : throw Error($"'{name}' has the dtype '{text}'; supported are {DTypes.AllCodes}.");
    }

    private List<long> ReadIntegers(ref Utf8JsonReader reader, string name, string field)
    {
        List<long> values = [];
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) && value >= 0)
            {
                values.Add(value);
            }
            if (reader.TokenType == JsonTokenType.EndArray)
            {
                return values;
            }
        }
        throw Error($"{field} of '{name}' must be a list of whole numbers from 0 to {long.MaxValue}.");
    }

    /// <summary>The byte count must follow from shape and type; every product is checked.</summary>
    private void CheckSize(string name, DType dtype, List<long> shape, long begin, long end)
    {
        Int128 size = dtype.Size();
        foreach (long dimension in shape)
        {
            size *= dimension;
            if (dimension > int.MaxValue || size > long.MaxValue)
            {
                throw Error($"the shape [{string.Join(", ", shape)}] of '{name}' is too large.");
            }
        }
        if (end < begin)
        {
            throw Error($"data_offsets [{begin}, {end}] of '{name}' run backwards.");
        }
        if (end - begin != size)
        {
            throw Error($"'{name}' of dtype {dtype.Code()} and shape [{string.Join(", ", shape)}] takes {size} bytes, its data_offsets [{begin}, {end}] hold {end - begin}.");
        }
        if (size > Array.MaxLength)
        {
            throw Error($"'{name}' has {size} bytes; a single tensor may have at most {Array.MaxLength}.");
        }
    }

    /// <summary>The data must be covered from its first byte to its last, without hole or overlap.</summary>
    private void CheckOffsets(long dataLength)
    {
        _entries.Sort((x, y) => (x.Begin, x.End, x.Name).CompareTo((y.Begin, y.End, y.Name)));
        long position = 0;
        foreach (SafetensorsEntry entry in _entries)
        {
            if (entry.Begin != position)
            {
                string what = entry.Begin > position ? "leaves a hole" : "overlaps the tensor before it";
                throw Error($"'{entry.Name}' begins at offset {entry.Begin}, expected {position}: it {what}.");
            }
            position = entry.End;
        }
        if (position != dataLength)
        {
            string what = position > dataLength ? "truncated" : "has extra bytes at its end";
            throw Error($"{what}: the tensors take {position} bytes of data, the file has {dataLength}.");
        }
    }

    private WeightsFormatException Error(string problem) => new(_source, problem);
}
