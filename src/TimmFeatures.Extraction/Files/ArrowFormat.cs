using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace TimmFeatures.Extraction.Files;

/// <summary>Arrow's file format (Feather, version 2): a fixed-size list of floats per row and column, null where there are no features.</summary>
internal sealed class ArrowFormat : TableFormat
{
    public override IReadOnlyList<string> Extensions => [".arrow", ".feather"];

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation)
    {
        Schema schema = new([
            new Field(PathColumn, StringType.Default, nullable: false),
            .. table.Columns.Select(c => new Field(c.Name, TypeOf(c), nullable: true)),
            new Field(ErrorColumn, StringType.Default, nullable: true)], new Dictionary<string, string> { [MetadataKey] = table.Metadata });
        using var writer = new ArrowFileWriter(stream, schema, leaveOpen: true);
        writer.WriteStart();
        var rows = new List<(string Path, string? Error)>();
        float[][] values = [.. table.Columns.Select(c => new float[Math.Min(table.Count, table.RowsPerGroup) * c.Length])];
        foreach (FeatureRow row in table.Rows())
        {
            cancellation.ThrowIfCancellationRequested();
            for (int c = 0, offset = 0; c < values.Length; offset += table.Columns[c++].Length)
            {
                Span<float> target = values[c].AsSpan(rows.Count * table.Columns[c].Length, table.Columns[c].Length);
                // A null's values are looked at by nobody, unless by mistake: no zeros then.
                if (row.Error is null)
                    row.Values.Span.Slice(offset, target.Length).CopyTo(target);
                else
                    target.Fill(float.NaN);
            }
            rows.Add((row.Path, row.Error));
            if (rows.Count == table.RowsPerGroup)
                WriteGroup();
        }
        if (rows.Count > 0)
            WriteGroup();
        writer.WriteEnd();

        void WriteGroup()
        {
            var paths = new StringArray.Builder();
            var errors = new StringArray.Builder();
            var valid = new ArrowBuffer.BitmapBuilder();
            foreach ((string path, string? error) in rows)
            {
                paths.Append(path);
                errors.Append(error);
                valid.Append(error is null);
            }
            ArrowBuffer bitmap = valid.Build();
            int nulls = rows.Count(r => r.Error is not null);
            using var batch = new RecordBatch(schema, [
                paths.Build(),
                .. table.Columns.Select((c, i) => (IArrowArray)new FixedSizeListArray(TypeOf(c), rows.Count,
                    new FloatArray(new ArrowBuffer(MemoryMarshal.AsBytes(values[i].AsSpan(0, rows.Count * c.Length)).ToArray()), ArrowBuffer.Empty, rows.Count * c.Length, 0, 0), nulls == 0 ? ArrowBuffer.Empty : bitmap, nulls)),
                errors.Build()], rows.Count);
            writer.WriteRecordBatch(batch);
            rows.Clear();
        }
    }

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        using FileStream stream = File.OpenRead(path);
        using var reader = new ArrowFileReader(stream);
        float[] row = new float[columns.Sum(c => c.Length)];
        while (reader.ReadNextRecordBatch() is { } batch)
        {
            using (batch)
            {
                if (batch.ColumnCount != columns.Count + 2 || columns.Where((c, i) => batch.Column(i + 1) is not FixedSizeListArray list || ((FixedSizeListType)list.Data.DataType).ListSize != c.Length).Any())
                    throw Wrong(path, $"its columns are {string.Join(", ", batch.Schema.FieldsList.Select(f => $"'{f.Name}' {f.DataType.Name}"))}.");
                StringArray paths = (StringArray)batch.Column(0), errors = (StringArray)batch.Column(columns.Count + 1);
                for (int r = 0; r < batch.Length; r++)
                {
                    if (errors.GetString(r) is { } error)
                    {
                        yield return new FeatureRow(paths.GetString(r), error, default);
                        continue;
                    }
                    for (int c = 0, offset = 0; c < columns.Count; offset += columns[c++].Length)
                        ((FloatArray)((FixedSizeListArray)batch.Column(c + 1)).Values).Values.Slice(r * columns[c].Length, columns[c].Length).CopyTo(row.AsSpan(offset));
                    yield return new FeatureRow(paths.GetString(r), null, row);
                }
            }
        }
    }

    private static FixedSizeListType TypeOf(FeatureColumn column) => new(new Field("item", FloatType.Default, nullable: false), column.Length);
}
