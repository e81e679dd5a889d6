using System.Text;
using Backbones.Weights;

namespace TimmFeatures.Extraction.Files;

/// <summary>One NumPy array, NaN where there are no features; paths and errors are in a table beside it.</summary>
internal sealed class NpyFormat : TableFormat
{
    public override IReadOnlyList<string> Extensions => [".npy"];

    public override bool NeedsRowsFile => true;

    public override void Check(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        if (columns.Count > 1)
            throw new NotSupportedException($"'{path}' holds one array, and there are {columns.Count} outputs ({string.Join(", ", columns.Select(c => $"'{c.Name}'"))}). Choose .npz, which holds several, or another kind of file.");
    }

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation)
    {
        stream.Write(HeaderOf(table.Columns[0], table.Count));
        NumPyArray.Write(stream, table, table.Columns[0], cancellation);
    }

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        byte[] header = HeaderOf(columns[0], count);
        if (!NumPyArray.TryReadHeader(stream, header))
            throw Wrong(path, $"it does not begin with {Encoding.ASCII.GetString(header.AsSpan(10)).Trim()}.");
        foreach ((float[] values, (string name, string? error)) in NumPyArray.Read([stream], columns, count).Zip(RowsFile.Read(path)))
            yield return error is null ? new FeatureRow(name, null, values) : new FeatureRow(name, error, default);
    }

    private static byte[] HeaderOf(FeatureColumn column, int count) => NumPyHeader.Of(NumPyHeader.Float32, [count, .. column.Shape]);
}
