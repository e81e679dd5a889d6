using System.IO.Compression;
using System.Text;
using Backbones.Weights;

namespace TimmFeatures.Extraction.Files;

/// <summary>NumPy's archive: an array per column, NaN where there are no features, and the arrays <c>path</c> and <c>error</c> of texts.</summary>
internal sealed class NpzFormat : TableFormat
{
    /// <summary>The earliest time that a zip file can say; the real one would make equal tables different files.</summary>
    private static readonly DateTimeOffset s_time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override IReadOnlyList<string> Extensions => [".npz"];

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation)
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (FeatureColumn column in table.Columns)
        {
            Add(archive, column.Name, s =>
            {
                s.Write(HeaderOf(column, table.Count));
                NumPyArray.Write(s, table, column, cancellation);
            });
        }
        Add(archive, PathColumn, s => NumPyArray.Write(s, table.Count, () => table.Rows().Select(r => r.Path)));
        Add(archive, ErrorColumn, s => NumPyArray.Write(s, table.Count, () => table.Rows().Select(r => r.Error ?? "")));
    }

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        // An archive each: entries of one are not read side by side.
        ZipArchive[] archives = [.. Enumerable.Range(0, columns.Count + 2).Select(_ => ZipFile.OpenRead(path))];
        try
        {
            Stream[] values = [.. columns.Select((c, i) => Open(archives[i], path, c.Name, HeaderOf(c, count)))];
            IEnumerable<string> paths = Texts(archives[^2], path, PathColumn, count), errors = Texts(archives[^1], path, ErrorColumn, count);
            foreach ((float[] row, string name, string error) in NumPyArray.Read(values, columns, count).Zip(paths, errors))
                yield return error.Length == 0 ? new FeatureRow(name, null, row) : new FeatureRow(name, error, default);
        }
        finally
        {
            foreach (ZipArchive archive in archives)
                archive.Dispose();
        }
    }

    private static void Add(ZipArchive archive, string name, Action<Stream> write)
    {
        ZipArchiveEntry entry = archive.CreateEntry($"{name}.npy", CompressionLevel.NoCompression);
        entry.LastWriteTime = s_time;
        using Stream raw = entry.Open();
        using var stream = new BufferedStream(raw, 1 << 20);
        write(stream);
    }

    private static Stream Open(ZipArchive archive, string path, string name, byte[] header)
    {
        var stream = new BufferedStream((archive.GetEntry($"{name}.npy") ?? throw Wrong(path, $"it has no array '{name}'.")).Open(), 1 << 16);
        return NumPyArray.TryReadHeader(stream, header) ? stream : throw Wrong(path, $"'{name}' does not begin with {Encoding.ASCII.GetString(header.AsSpan(10)).Trim()}.");
    }

    private static IEnumerable<string> Texts(ZipArchive archive, string path, string name, int count)
    {
        using var stream = new BufferedStream((archive.GetEntry($"{name}.npy") ?? throw Wrong(path, $"it has no array '{name}'.")).Open(), 1 << 16);
        byte[] start = new byte[10];
        stream.ReadExactly(start);
        byte[] header = new byte[start[8] | start[9] << 8];
        stream.ReadExactly(header);
        int at = header.AsSpan().IndexOf("'<U"u8) + 3, length = 0;
        if (at < 3)
            throw Wrong(path, $"'{name}' is no array of texts.");
        while (at < header.Length && header[at] is >= (byte)'0' and <= (byte)'9')
            length = 10 * length + header[at++] - '0';
        byte[] element = new byte[4 * length];
        for (int i = 0; i < count; i++)
        {
            stream.ReadExactly(element);
            yield return Encoding.UTF32.GetString(element).TrimEnd('\0');
        }
    }

    private static byte[] HeaderOf(FeatureColumn column, int count) => NumPyHeader.Of(NumPyHeader.Float32, [count, .. column.Shape]);
}
