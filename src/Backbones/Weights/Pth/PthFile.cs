namespace Backbones.Weights.Pth;

/// <summary>A PyTorch checkpoint (.pth, .pt, .bin) in both layouts that torch.save has had, a zip archive and a stream of pickles, or a TorchScript archive.
/// Runs nothing that the file asks for, see <see cref="PickleGlobals"/>.</summary>
/// <param name="Root">What was saved, see <see cref="PickleReader.Read"/>.</param>
/// <param name="Tensors">Reads its tensors, while the stream is open.</param>
/// <param name="IsScript">Whether it is a TorchScript archive.</param>
internal sealed record PthFile(object? Root, PthTensors Tensors, bool IsScript)
{
    /// <summary>A checkpoint's structure takes about 200 bytes a tensor; this is enough for 80,000 tensors, or 16 MB of numpy's arrays.</summary>
    public const int MaxPickle = 16 << 20;

    /// <summary>The tensors of the state dict in a checkpoint file.</summary>
    /// <exception cref="WeightsFormatException">The file is malformed, or has something else than weights.</exception>
    public static StateDict Read(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Read(stream, path);
    }

    /// <summary>The tensors of the state dict in a checkpoint.</summary>
    /// <param name="stream">A stream that can seek, at its start.</param>
    /// <param name="source">How errors name it.</param>
    public static StateDict Read(Stream stream, string source)
    {
        PthBudget budget = new(source, stream.Length);
        return StateDict.Find(Open(stream, source, budget), source, budget);
    }

    /// <summary>A checkpoint, whose tensors can be read while the stream is open.</summary>
    /// <param name="stream">A stream that can seek, at its start.</param>
    /// <param name="source">How errors name it.</param>
    /// <param name="budget">What it may cost.</param>
    public static PthFile Open(Stream stream, string source, PthBudget budget)
    {
        Span<byte> start = stackalloc byte[4];
        int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (read == 0)
            throw new WeightsFormatException(source, "the file is empty.");
        if (start.SequenceEqual("PK\x03\x04"u8))
            return OpenZip(stream, source, budget);
        return start[0] == 0x80
            ? PthStream.Open(stream, source, budget)
            : throw new WeightsFormatException(source, "not a PyTorch checkpoint: neither a zip archive nor a pickle.");
    }

    private static PthFile OpenZip(Stream stream, string source, PthBudget budget)
    {
        ZipDirectory zip = ZipDirectory.Read(stream, source, budget);
        const string Pickle = "/data.pkl";
        string[] pickles = [.. zip.Entries.Keys.Where(e => e.EndsWith(Pickle, StringComparison.Ordinal))];
        if (pickles.Length != 1)
        {
            string content = string.Join(", ", zip.Entries.Keys.Order(StringComparer.Ordinal).Take(3).Select(e => $"'{PickleGlobals.Shorten(e)}'"));
            throw new WeightsFormatException(source, $"not a PyTorch checkpoint: the zip archive has {pickles.Length} entries data.pkl, expected one. It has {zip.Entries.Count} files: {content}{(zip.Entries.Count > 3 ? ", …" : ".")}");
        }
        string prefix = pickles[0][..^Pickle.Length];
        if (!zip.Entries.ContainsKey($"{prefix}/version") && !zip.Entries.ContainsKey($"{prefix}/.data/version"))
            throw new WeightsFormatException(source, $"not a PyTorch checkpoint: the zip archive has no '{PickleGlobals.Shorten(prefix)}/version'.");
        bool isBigEndian = zip.Entries.ContainsKey($"{prefix}/byteorder") && zip.Content($"{prefix}/byteorder", 16) is var order
            && (order.AsSpan().SequenceEqual("big"u8) || (order.AsSpan().SequenceEqual("little"u8) ? false : throw new WeightsFormatException(source, "the byte order of the checkpoint is neither 'little' nor 'big'.")));
        bool isScript = zip.Entries.ContainsKey($"{prefix}/constants.pkl");
        object? root = PickleReader.Read(new PickleInput(zip.Content(pickles[0], MaxPickle), source, budget), isScript);
        return new PthFile(root, new PthTensors(source, budget, storage => ReadStorage(zip, $"{prefix}/data/{storage.Key}", storage, source, budget), isBigEndian), isScript);
    }

    private static byte[] ReadStorage(ZipDirectory zip, string name, PickleStorage storage, string source, PthBudget budget)
    {
        if (!zip.Entries.TryGetValue(name, out ZipFileEntry entry))
            throw new WeightsFormatException(source, $"the zip archive lacks '{PickleGlobals.Shorten(name)}'.");
        Int128 expected = (Int128)storage.Count * storage.Type.Size;
        if (entry.Length < expected)
            throw new WeightsFormatException(source, $"'{PickleGlobals.Shorten(name)}' has {entry.Length} bytes, {storage.Count} elements of type {storage.Type.Name} take {expected}.");
        budget.Data(entry.Length);
        return zip.Content(name, long.MaxValue);
    }
}
