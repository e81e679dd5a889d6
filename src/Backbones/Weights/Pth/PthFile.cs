using System.IO.Compression;

namespace Backbones.Weights.Pth;

/// <summary>Reads the weights in a PyTorch checkpoint (.pth, .pt, .bin), in both layouts that torch.save has had: a zip archive and
/// a stream of pickles. Runs nothing that the file asks for, see <see cref="PickleGlobals"/>.</summary>
internal static class PthFile
{
    /// <summary>A checkpoint's structure takes about 200 bytes a tensor; this is enough for 80,000 tensors.</summary>
    public const int MaxPickle = 16 << 20;

    /// <summary>The state dict of a checkpoint file.</summary>
    /// <exception cref="WeightsFormatException">The file is malformed, or has something else than weights.</exception>
    public static IReadOnlyList<ParameterTensor> Read(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Read(stream, path);
    }

    /// <summary>The state dict of a checkpoint.</summary>
    /// <param name="stream">A stream that can seek, at its start.</param>
    /// <param name="source">How errors name it.</param>
    public static IReadOnlyList<ParameterTensor> Read(Stream stream, string source)
    {
        Span<byte> start = stackalloc byte[4];
        int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (read == 0)
        {
            throw new WeightsFormatException(source, "the file is empty.");
        }
        if (start.SequenceEqual("PK\x03\x04"u8))
        {
            return ReadZip(stream, source);
        }
        return start[0] == 0x80
            ? PthStream.Read(stream, source)
            : throw new WeightsFormatException(source, "not a PyTorch checkpoint: neither a zip archive nor a pickle.");
    }

    private static List<ParameterTensor> ReadZip(Stream stream, string source)
    {
        try
        {
            using ZipArchive zip = new(stream, ZipArchiveMode.Read, leaveOpen: true);
            const string Pickle = "/data.pkl";
            ZipArchiveEntry[] pickles = [.. zip.Entries.Where(e => e.FullName.EndsWith(Pickle, StringComparison.Ordinal))];
            if (pickles.Length != 1)
            {
                throw new WeightsFormatException(source, $"not a PyTorch checkpoint: the zip archive has {pickles.Length} entries data.pkl, expected one.");
            }
            string prefix = pickles[0].FullName[..^Pickle.Length];
            if (zip.GetEntry(prefix + "/byteorder") is { } order && ReadEntry(order, 16, source).AsSpan().SequenceEqual("big"u8))
            {
                throw new WeightsFormatException(source, "written by a big-endian machine; only little-endian checkpoints can be read.");
            }
            using MemoryStream pickle = new(ReadEntry(pickles[0], (int)Math.Min(stream.Length, MaxPickle), source));
            object? root = PickleReader.Read(new PickleInput(pickle, MaxPickle, source));
            PthTensors tensors = new(source, stream.Length, storage => ReadStorage(zip, stream.Length, $"{prefix}/data/{storage.Key}", storage, source));
            return tensors.Make(StateDict.Find(root, source));
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or NotSupportedException)
        {
            throw new WeightsFormatException(source, $"the zip archive is damaged: {e.Message}", e);
        }
    }

    private static byte[] ReadStorage(ZipArchive zip, long fileLength, string name, PickleStorage storage, string source)
    {
        ZipArchiveEntry entry = zip.GetEntry(name) ?? throw new WeightsFormatException(source, $"the zip archive lacks '{name}'.");
        Int128 expected = (Int128)storage.Count * storage.DType.Size();
        return entry.Length == expected
            ? ReadEntry(entry, (int)Math.Min(fileLength, Array.MaxLength), source)
            : throw new WeightsFormatException(source, $"'{name}' has {entry.Length} bytes, {storage.Count} elements of type {storage.DType} take {expected}.");
    }

    private static byte[] ReadEntry(ZipArchiveEntry entry, int limit, string source)
    {
        // PyTorch stores without compression, so no small file can unfold to a large one.
        if (entry.Length > limit || entry.CompressedLength != entry.Length)
        {
            throw new WeightsFormatException(source, entry.Length > limit
                ? $"'{entry.FullName}' has {entry.Length} bytes; at most {limit} are allowed."
                : $"'{entry.FullName}' is compressed, which PyTorch does not do.");
        }
        byte[] bytes = new byte[entry.Length];
        using Stream content = entry.Open();
        content.ReadExactly(bytes);
        return bytes;
    }
}
