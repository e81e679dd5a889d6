using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Weights.Pth;

namespace Backbones.Weights;

/// <summary>A .npz file of numpy: a zip archive of arrays, as JAX code saves weights. Nothing in it is run: arrays of objects are refused.</summary>
/// <remarks>Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The limits are those of PyTorch checkpoints.</remarks>
internal static partial class NpzFile
{
    private const string Extension = ".npy";
    private const int MaxHeader = 1 << 16;

    /// <summary>Reads all arrays; null where the zip archive is one of something else.</summary>
    /// <exception cref="WeightsFormatException">An array is malformed, or of a type that cannot be weights.</exception>
    public static IReadOnlyList<ParameterTensor>? TryRead(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return TryRead(stream, path);
    }

    /// <summary>The same from a stream.</summary>
    /// <param name="stream">A stream that can seek.</param>
    /// <param name="source">How errors name it.</param>
    public static IReadOnlyList<ParameterTensor>? TryRead(Stream stream, string source)
    {
        PthBudget budget = new(source, stream.Length);
        ZipDirectory zip = ZipDirectory.Read(stream, source, budget);
        if (zip.Entries.Count == 0 || !zip.Entries.Keys.All(k => k.EndsWith(Extension, StringComparison.Ordinal)))
            return null;
        List<ParameterTensor> tensors = [];
        foreach ((string entry, ZipFileEntry place) in zip.Entries)
        {
            string name = entry[..^Extension.Length];
            budget.Data(place.Length);
            byte[] content = zip.Content(entry, long.MaxValue);
            (DType type, bool isBigEndian, bool isColumnMajor, int[] size, int start) = ReadHeader(content, name, source);
            budget.Object(320 + 12 * size.Length);
            tensors.Add(Tensor(name, type, isBigEndian, isColumnMajor, size, content.AsMemory(start), source));
        }
        return tensors;
    }

    private static MemoryTensor Tensor(string name, DType type, bool isBigEndian, bool isColumnMajor, int[] size, Memory<byte> data, string source)
    {
        long expected = size.Aggregate((long)type.Size(), (product, d) => product * d);
        if (expected != data.Length)
            throw Malformed(source, name, $"has {data.Length} bytes of data, its shape [{string.Join(", ", size.Select(d => $"{d}"))}] takes {expected}");
        if (isBigEndian)
            Reverse(data.Span, type.Size());
        Shape shape = [.. size];
        return new MemoryTensor(name, type, shape, isColumnMajor && size.Length > 1 ? ToRowMajor(data.Span, size, type.Size()) : data);
    }

    /// <summary>Version 1 has two bytes of header length, later ones four; the header is a dictionary in Python's notation.</summary>
    private static (DType Type, bool IsBigEndian, bool IsColumnMajor, int[] Size, int Start) ReadHeader(byte[] content, string name, string source)
    {
        ReadOnlySpan<byte> bytes = content;
        if (bytes.Length < 12 || bytes[0] != 0x93 || !bytes[1..].StartsWith("NUMPY"u8) || bytes[6] is < 1 or > 3)
            throw Malformed(source, name, "is no array of numpy (.npy, version 1 to 3)");
        int prefix = bytes[6] == 1 ? 10 : 12;
        long length = bytes[6] == 1 ? BitConverter.ToUInt16(bytes[8..]) : BitConverter.ToUInt32(bytes[8..]);
        if (length > MaxHeader || prefix + length > bytes.Length)
            throw Malformed(source, name, $"has a header of {length} bytes, which do not fit");
        string header = Encoding.UTF8.GetString(bytes.Slice(prefix, (int)length));
        Match descr = Description().Match(header), order = Order().Match(header), shape = ShapeOf().Match(header);
        if (!descr.Success || !order.Success || !shape.Success)
            throw Malformed(source, name, $"has the header {PickleGlobals.Shorten(header.Trim())}; expected 'descr' of plain numbers, 'fortran_order' and 'shape'");
        string code = descr.Groups[1].Value;
        if (TypeOf(code[1..]) is not { } type)
            throw Malformed(source, name, $"is of type '{code}'; expected numbers of 8 to 64 bits");
        string[] parts = shape.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        int[] size = new int[parts.Length];
        Int128 product = 1;
        if (parts.Length > PickleGlobals.MaxRank)
            throw Malformed(source, name, $"has {parts.Length} dimensions; at most {PickleGlobals.MaxRank} are allowed");
        for (int i = 0; i < size.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out size[i]))
                throw Malformed(source, name, $"has a dimension of {PickleGlobals.Shorten(parts[i])}");
            // An empty array's dimensions count as well, so that no product runs over anywhere.
            if ((product *= Math.Max(size[i], 1)) > int.MaxValue)
                throw Malformed(source, name, "is larger than 2³¹ elements");
        }
        return (type, code[0] == '>', order.Groups[1].Value == "True", size, prefix + (int)length);
    }

    /// <summary>numpy has no bfloat16; JAX's arrays of it are saved as two bytes without a type.</summary>
    private static DType? TypeOf(string code) => code switch
    {
        "f4" => DType.Float32,
        "f2" => DType.Float16,
        "f8" => DType.Float64,
        "V2" => DType.BFloat16,
        "i1" => DType.Int8,
        "i2" => DType.Int16,
        "i4" => DType.Int32,
        "i8" => DType.Int64,
        "u1" => DType.UInt8,
        "u2" => DType.UInt16,
        "u4" => DType.UInt32,
        "u8" => DType.UInt64,
        "b1" => DType.Bool,
        _ => null,
    };

    private static void Reverse(Span<byte> data, int size)
    {
        for (int i = 0; i < data.Length; i += size)
            data.Slice(i, size).Reverse();
    }

    private static byte[] ToRowMajor(ReadOnlySpan<byte> data, int[] size, int elementSize)
    {
        byte[] result = new byte[data.Length];
        int[] index = new int[size.Length];
        for (int to = 0; to < data.Length; to += elementSize)
        {
            int from = 0;
            for (int d = size.Length - 1; d >= 0; d--)
                from = from * size[d] + index[d];
            data.Slice(from * elementSize, elementSize).CopyTo(result.AsSpan(to));
            for (int d = size.Length - 1; d >= 0 && ++index[d] == size[d]; d--)
                index[d] = 0;
        }
        return result;
    }

    private static WeightsFormatException Malformed(string source, string name, string problem) => new(source, $"the array '{PickleGlobals.Shorten(name)}' {problem}.");

    [GeneratedRegex(@"'descr':\s*'([<>|=][a-zA-Z]\d+)'")]
    private static partial Regex Description();

    [GeneratedRegex(@"'fortran_order':\s*(True|False)")]
    private static partial Regex Order();

    [GeneratedRegex(@"'shape':\s*\(([^)]*)\)")]
    private static partial Regex ShapeOf();
}
