using System.Globalization;
using System.Text;
using nietras.SeparatedValues;

namespace TimmFeatures.Extraction.Files;

/// <summary>CSV: path, error, then a column per value (<c>features_0</c>, …), empty where there are no features. Numbers have as many digits as their value needs, in every culture the same.</summary>
internal sealed class CsvFormat : TableFormat
{
    /// <summary>More columns are of no use to anybody.</summary>
    private const int MaxValues = 1 << 16;

    private const int MaxShown = 200;

    public override IReadOnlyList<string> Extensions => [".csv"];

    public override void Check(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        int values = columns.Sum(c => c.Length);
        if (values > MaxValues)
            throw new NotSupportedException($"'{path}' would have a column for each of {values} values; at most {MaxValues} are written as CSV. Choose .parquet, .arrow, .npz or .safetensors.");
    }

    public override void Write(Stream stream, FeatureTable table, CancellationToken cancellation)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        writer.Write($"{PathColumn},{ErrorColumn}");
        foreach (FeatureColumn column in table.Columns)
        {
            for (int i = 0; i < column.Length; i++)
                writer.Write($",{Quoted($"{column.Name}_{i}")}");
        }
        writer.WriteLine();
        Span<char> digits = stackalloc char[32];
        foreach (FeatureRow row in table.Rows())
        {
            cancellation.ThrowIfCancellationRequested();
            writer.Write($"{Quoted(row.Path)},{Quoted(row.Error ?? "")}");
            for (int i = 0; i < table.RowLength; i++)
            {
                writer.Write(',');
                if (row.Error is null && row.Values.Span[i].TryFormat(digits, out int length, "R", CultureInfo.InvariantCulture))
                    writer.Write(digits[..length]);
            }
            writer.WriteLine();
        }
    }

    public override IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
        using SepReader reader = Sep.New(',').Reader(o => o with { HasHeader = true, Unescape = true }).FromFile(path);
        float[] row = new float[columns.Sum(c => c.Length)];
        if (reader.Header.ColNames.Count != row.Length + 2)
            throw Wrong(path, $"it has {reader.Header.ColNames.Count} columns in place of {row.Length + 2}.");
        while (reader.MoveNext())
        {
            string name = reader.Current[0].ToString(), error = reader.Current[1].ToString();
            for (int i = 0; error.Length == 0 && i < row.Length; i++)
                row[i] = float.Parse(reader.Current[i + 2].Span, NumberStyles.Float, CultureInfo.InvariantCulture);
            yield return error.Length == 0 ? new FeatureRow(name, null, row) : new FeatureRow(name, error, default);
        }
    }

    /// <summary>The library's errors quote rows, which may have thousands of values; how they begin says which row it is.</summary>
    public static string Shown(string message) => message.Length <= MaxShown ? message : $"{message[..MaxShown]}…";

    public static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
