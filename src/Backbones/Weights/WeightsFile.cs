using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Backbones.Weights.Pth;

namespace Backbones.Weights;

/// <summary>Opens a weights file by what is in it, whatever it is called, and says what it is where it is none.</summary>
internal static class WeightsFile
{
    /// <summary>So much of a file is looked at.</summary>
    private const int Head = 512;

    /// <summary>The tensors of a weights file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="others">Entries beside them that cannot be weights, each with what it is.</param>
    /// <param name="owner">What keeps them readable; null where they are in memory.</param>
    /// <param name="isShard">Whether an index names the file, which then is none itself: indexes that name each other have no end.</param>
    /// <exception cref="FileNotFoundException">There is no such file, or it is a folder.</exception>
    /// <exception cref="WeightsFormatException">The file is malformed, or something else than weights.</exception>
    public static IReadOnlyList<ParameterTensor> Open(string path, out IReadOnlyDictionary<string, string> others, out IDisposable? owner, bool isShard = false)
    {
        RequireFile(path);
        byte[] head = ReadHead(path, out long length);
        others = new Dictionary<string, string>();
        owner = null;
        if (IsSafetensors(head, length))
            return OpenSafetensors(path, out owner);
        bool isZip = head is [(byte)'P', (byte)'K', 3, 4, ..];
        if (isZip && NpzFile.TryRead(path) is { } arrays)
            return arrays;
        if (isZip || head is [0x80, ..])
        {
            StateDict checkpoint = PthFile.Read(path);
            others = checkpoint.Others;
            return checkpoint.Tensors;
        }
        if (Describe(head) is { } what)
            throw new WeightsFormatException(path, what);
        if (head.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
            return isShard ? throw new WeightsFormatException(path, "a JSON file, not weights; an index names it, which must name the files with the weights.") : ShardedWeights.Open(path, out others, out owner);
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return OpenSafetensors(path, out owner); // which says what is wrong with it
        throw new WeightsFormatException(path, $"no weights: neither safetensors nor a PyTorch checkpoint (a zip archive or a pickle). {Beginning(head)}");
    }

    /// <summary>Makes sure that there is a file with something in it. A pipe or device has no length; opening one could wait for ever.</summary>
    private static void RequireFile(string path)
    {
        if (Directory.Exists(path))
            throw new FileNotFoundException($"'{path}' is a folder; expected a weights file.", path);
        FileInfo file = new(path);
        if (!file.Exists)
            throw new FileNotFoundException($"There is no weights file '{path}'.", path);
        if ((file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file).Length == 0)
            throw new WeightsFormatException(path, "the file is empty, or no regular file.");
    }

    private static byte[] ReadHead(string path, out long length)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        length = stream.Length;
        byte[] head = new byte[Math.Min(Head, length)];
        stream.ReadExactly(head);
        return head;
    }

    private static bool IsSafetensors(ReadOnlySpan<byte> head, long length)
        => head.Length > SafetensorsHeader.LengthField && head[SafetensorsHeader.LengthField] == (byte)'{'
            && BinaryPrimitives.ReadUInt64LittleEndian(head) <= SafetensorsHeader.MaxLength;

    private static IReadOnlyList<ParameterTensor> OpenSafetensors(string path, out IDisposable? owner)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        owner = file;
        return file.Tensors;
    }

    /// <summary>What a file is that has no weights, and what helps; null where its beginning does not tell.</summary>
    private static string? Describe(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("version https://git-lfs.github.com"u8))
        {
            string text = Encoding.ASCII.GetString(head);
            string size = text.Split('\n').FirstOrDefault(l => l.StartsWith("size ", StringComparison.Ordinal)) is { } line && long.TryParse(line.AsSpan(5), CultureInfo.InvariantCulture, out long bytes)
                ? $" of {bytes} bytes" : "";
            return $"a Git LFS pointer that stands for the weights{size}, not the weights. Run 'git lfs pull' where it came from, or download the file itself.";
        }
        ReadOnlySpan<byte> text0 = head is [0xEF, 0xBB, 0xBF, ..] ? head[3..] : head;
        string start = Encoding.Latin1.GetString(text0.TrimStart(" \t\r\n"u8));
        if (start.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase) || start.StartsWith("<html", StringComparison.OrdinalIgnoreCase) || start.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase))
            return "a web page, not weights: the address asks for a login, or is that of the page about the file. Download the file itself.";
        if (head is [(byte)'P', (byte)'K', 5, 6, ..])
            return "an empty zip archive, not weights.";
        if (head is [0x1f, 0x8b, ..])
            return "a gzip archive, not weights; unpack it.";
        if (head is [0x89, (byte)'H', (byte)'D', (byte)'F', ..])
            return "an HDF5 file, as Keras writes; expected safetensors or a PyTorch checkpoint.";
        if (head is [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..])
            return "one array of numpy, not weights; expected safetensors, a PyTorch checkpoint, or several arrays with names (.npz).";
        if (head.StartsWith("GGUF"u8))
            return "a GGUF file, not weights that can be read here; expected safetensors or a PyTorch checkpoint.";
        return head.Length > 262 && head[257..].StartsWith("ustar"u8) ? "a tar archive, not weights; unpack it." : null;
    }

    private static string Beginning(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> start = head[..Math.Min(head.Length, 24)];
        return start.IndexOfAnyExceptInRange((byte)' ', (byte)'~') is var odd && (odd < 0 || start[odd] is (byte)'\n' or (byte)'\r' or (byte)'\t')
            ? $"It is a text file that begins with '{Encoding.ASCII.GetString(odd < 0 ? start : start[..odd])}'."
            : $"It begins with the bytes {Convert.ToHexString(start[..Math.Min(start.Length, 8)])}.";
    }
}
