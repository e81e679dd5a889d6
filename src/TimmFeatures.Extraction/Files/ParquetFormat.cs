using Parquet;
using Parquet.Schema;

namespace TimmFeatures.Extraction.Files;

/// <summary>Apache Parquet: a list of floats per row and column, null where there are no features.</summary>
internal sealed class ParquetFormat : TableFormat
{
    public override IReadOnlyList<string> Extensions => [".parquet"];

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation) => WriteAsync(stream, table, cancellation).GetAwaiter().GetResult();

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        using FileStream stream = File.OpenRead(path);
        // Its only resource is the stream.
        ParquetReader reader = Sync(ParquetReader.CreateAsync(stream));
        DataField[] fields = reader.Schema.DataFields;
        if (fields.Length != columns.Count + 2)
            throw Wrong(path, $"it has {fields.Length} columns in place of {columns.Count + 2}.");
        for (int g = 0; g < reader.RowGroupCount; g++)
        {
            using ParquetRowGroupReader group = reader.OpenRowGroupReader(g);
            int rows = checked((int)group.RowCount);
            string?[] paths = new string?[rows], errors = new string?[rows];
            Sync(group.ReadAsync(fields[0], paths));
            Sync(group.ReadAsync(fields[^1], errors));
            int good = errors.Count(e => e is null);
            float[][] values = [.. columns.Select((c, i) => Values(path, group, fields[i + 1], good * c.Length, rows - good))];
            float[] row = new float[columns.Sum(c => c.Length)];
            for (int r = 0, at = 0; r < rows; r++)
            {
                if (errors[r] is { } error)
                {
                    yield return new FeatureRow(paths[r]!, error, default);
                    continue;
                }
                for (int c = 0, offset = 0; c < columns.Count; offset += columns[c++].Length)
                    values[c].AsSpan(at * columns[c].Length, columns[c].Length).CopyTo(row.AsSpan(offset));
                at++;
                yield return new FeatureRow(paths[r]!, null, row);
            }
        }
    }

    private static async Task WriteAsync(Stream stream, FeatureTable table, CancellationToken cancellation)
    {
        var schema = new ParquetSchema([
            new DataField<string>(PathColumn, nullable: false),
            .. table.Columns.Select(c => new ListField(c.Name, new DataField<float>(ListField.ElementName, nullable: false))),
            new DataField<string>(ErrorColumn, nullable: true)]);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream, new ParquetOptions { CompressionMethod = CompressionMethod.Zstd }, cancellationToken: cancellation).ConfigureAwait(false);
        writer.CustomMetadata = new Dictionary<string, string> { [MetadataKey] = table.Metadata };
        foreach (FeatureRow[] rows in Groups(table))
        {
            cancellation.ThrowIfCancellationRequested();
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            await group.WriteAsync(schema.DataFields[0], rows.Select(r => r.Path).ToArray()).ConfigureAwait(false);
            for (int c = 0; c < table.Columns.Count; c++)
                await WriteAsync(group, schema.DataFields[c + 1], rows, table.OffsetOf(table.Columns[c]), table.Columns[c].Length, cancellation).ConfigureAwait(false);
            await group.WriteAsync(schema.DataFields[^1], rows.Select(r => r.Error).ToArray()!).ConfigureAwait(false);
            group.CompleteValidate();
        }
    }

    /// <summary>Rows of the table, kept: a column is written after the other.</summary>
    private static IEnumerable<FeatureRow[]> Groups(FeatureTable table) => table.Rows().Select(r => r with { Values = r.Values.ToArray() }).Chunk(table.RowsPerGroup);

    private static async Task WriteAsync(ParquetRowGroupWriter group, DataField field, FeatureRow[] rows, int offset, int length, CancellationToken cancellation)
    {
        int good = rows.Count(r => r.Error is null), entries = good * length + rows.Length - good;
        var values = new float[good * length];
        int[] definitions = new int[entries], repetitions = new int[entries];
        int value = 0, entry = 0;
        foreach (FeatureRow row in rows)
        {
            if (row.Error is not null)
            {
                entry++; // level 0: the list itself is null
                continue;
            }
            row.Values.Span.Slice(offset, length).CopyTo(values.AsSpan(value));
            definitions.AsSpan(entry, length).Fill(field.MaxDefinitionLevel);
            repetitions.AsSpan(entry + 1, length - 1).Fill(field.MaxRepetitionLevel);
            value += length;
            entry += length;
        }
        await group.WriteAllPartsAsync<float>(field, values, definitions, repetitions, cancellation).ConfigureAwait(false);
    }

    private static float[] Values(string path, ParquetRowGroupReader group, DataField field, int length, int nulls)
    {
        long entries = group.GetMetadata(field)?.MetaData?.NumValues ?? 0;
        if (entries != length + nulls)
            throw Wrong(path, $"'{field.Path}' has {entries} values in place of {length + nulls}.");
        // As long as the levels; the values that are there are the first.
        var values = new float[entries];
        Sync(group.ReadRawAsync<float>(field, values, new int[entries], new int[entries]));
        return values;
    }

    private static T Sync<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Sync(ValueTask task) => task.AsTask().GetAwaiter().GetResult();

    private static void Sync(Task task) => task.GetAwaiter().GetResult();
}
