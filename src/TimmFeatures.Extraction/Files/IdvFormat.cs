using Microsoft.ML;
using Microsoft.ML.Data;

namespace TimmFeatures.Extraction.Files;

/// <summary>ML.NET's binary data (<c>mlContext.Data.LoadFromBinary</c>): texts and vectors of known size, NaN where there are no features.</summary>
internal sealed class IdvFormat : TableFormat
{
    public override IReadOnlyList<string> Extensions => [".idv"];

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation) => DeterministicBinarySaver.Save(new FeatureView(table, cancellation), stream);

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        IDataView view = new MLContext().Data.LoadFromBinary(path);
        DataViewSchema.Column[] found = [.. columns.Select(c => view.Schema.GetColumnOrNull(c.Name) is { Type: VectorDataViewType type } column && type.Size == c.Length ? column
            : throw Wrong(path, $"it has no column '{c.Name}' of {c.Length} values."))];
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<ReadOnlyMemory<char>> getPath = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema[PathColumn]), getError = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema[ErrorColumn]);
        ValueGetter<VBuffer<float>>[] getters = [.. found.Select(c => cursor.GetGetter<VBuffer<float>>(c))];
        ReadOnlyMemory<char> name = default, error = default;
        VBuffer<float> values = default;
        float[] row = new float[columns.Sum(c => c.Length)];
        while (cursor.MoveNext())
        {
            getPath(ref name);
            getError(ref error);
            if (!error.IsEmpty)
            {
                yield return new FeatureRow(name.ToString(), error.ToString(), default);
                continue;
            }
            for (int c = 0, offset = 0; c < columns.Count; offset += columns[c++].Length)
            {
                getters[c](ref values);
                values.CopyTo(row.AsSpan(offset, columns[c].Length));
            }
            yield return new FeatureRow(name.ToString(), null, row);
        }
    }
}
