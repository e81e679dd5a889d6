using System.Text;
using nietras.SeparatedValues;

namespace TimmFeatures.Extraction.Files;

/// <summary>The table beside a file that holds arrays alone: path and error of each row, <c>FILE.rows.csv</c>.</summary>
internal static class RowsFile
{
    public static string PathOf(string file) => $"{file}.rows.csv";

    public static void Write(Stream stream, FeatureTable table)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine($"{TableFormat.PathColumn},{TableFormat.ErrorColumn}");
        foreach (FeatureRow row in table.Rows())
            writer.WriteLine($"{CsvFormat.Quoted(row.Path)},{CsvFormat.Quoted(row.Error ?? "")}");
    }

    public static IEnumerable<(string Path, string? Error)> Read(string file)
    {
        using SepReader reader = Sep.New(',').Reader(o => o with { HasHeader = true, Unescape = true }).FromFile(PathOf(file));
        while (reader.MoveNext())
        {
            string path = reader.Current[0].ToString(), error = reader.Current[1].ToString();
            yield return (path, error.Length == 0 ? null : error);
        }
    }
}
