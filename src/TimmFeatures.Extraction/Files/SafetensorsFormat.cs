using Backbones.Graphs;
using Backbones.Weights;

namespace TimmFeatures.Extraction.Files;

/// <summary>safetensors: a tensor per column, NaN where there are no features, and <c>valid</c> (booleans); paths and errors are in a table beside it.</summary>
internal sealed class SafetensorsFormat : TableFormat
{
    private const string ValidTensor = "valid";

    public override IReadOnlyList<string> Extensions => [".safetensors"];

    public override bool NeedsRowsFile => true;

    public override void Check(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        if (columns.FirstOrDefault(c => (long)c.Length * count > Array.MaxLength / sizeof(float)) is { } large)
        {
            throw new NotSupportedException($"'{path}' would have a tensor '{large.Name}' of {count} × {large.Length} floats; one of over 2 GB is not written. "
                + $"Choose .parquet, .arrow, .npy or .npz, or use --shard with at least {(long)large.Length * count / (Array.MaxLength / sizeof(float)) + 1} parts.");
        }
    }

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation) => SafetensorsWriter.Write(stream, [
        .. table.Columns.Select(c => new ColumnTensor(table, c, cancellation)),
        new MemoryTensor(ValidTensor, DType.Bool, [table.Count], table.Rows().Select(r => (byte)(r.Error is null ? 1 : 0)).ToArray())],
        new Dictionary<string, string> { [MetadataKey] = table.Metadata });

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        ReadOnlyMemory<float>[] values = [.. columns.Select(c => file.Tensors.FirstOrDefault(t => t.Name == c.Name && t.Shape == ShapeOf(c, count))?.AsFloats()
            ?? throw Wrong(path, $"it has no tensor '{c.Name}' {ShapeOf(c, count)}."))];
        float[] row = new float[columns.Sum(c => c.Length)];
        int r = 0;
        foreach ((string name, string? error) in RowsFile.Read(path))
        {
            for (int c = 0, offset = 0; r < count && c < columns.Count; offset += columns[c++].Length)
                values[c].Span.Slice(r * columns[c].Length, columns[c].Length).CopyTo(row.AsSpan(offset));
            r++;
            yield return error is null ? new FeatureRow(name, null, row) : new FeatureRow(name, error, default);
        }
    }

    private static Shape ShapeOf(FeatureColumn column, int count) => Shape.Create([count, .. column.Shape]);

    /// <summary>A column, in memory while it is written.</summary>
    private sealed class ColumnTensor(FeatureTable table, FeatureColumn column, CancellationToken cancellation) : ParameterTensor(column.Name, DType.Float32, ShapeOf(column, table.Count))
    {
        public override TensorView Open()
        {
            using var stream = new MemoryStream(Length * sizeof(float));
            NumPyArray.Write(stream, table, column, cancellation);
            return new TensorView(stream.GetBuffer().AsMemory(0, Length * sizeof(float)));
        }
    }
}
