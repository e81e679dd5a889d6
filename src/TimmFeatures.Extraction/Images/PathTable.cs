using nietras.SeparatedValues;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction.Images;

/// <summary>A CSV or TSV file with a column of paths.</summary>
internal static class PathTable
{
    private static readonly string[] s_usualColumns = ["path", "file_name", "filename", "image", "image_path", "file"];

    /// <summary>The paths, row by row; a row without one gives an empty path, which is told of when the image is read.</summary>
    /// <param name="file">The table; its first line has the columns' names.</param>
    /// <param name="column">The column; null for the first that has a usual name.</param>
    /// <exception cref="InvalidDataException">The file is empty, malformed, or has no such column; the message has those it has.</exception>
    public static List<string> Read(string file, string? column)
    {
        string header = File.ReadLines(file).FirstOrDefault() ?? throw new InvalidDataException($"'{file}' is empty; expected a line with the columns' names.");
        char separator = header.Contains('\t') ? '\t' : header.Contains(';') && !header.Contains(',') ? ';' : ',';
        using SepReader reader = Readable(file, () => Sep.New(separator).Reader(o => o with { HasHeader = true, Unescape = true }).FromFile(file));
        string[] names = [.. reader.Header.ColNames];
        int index = column is null ? Array.FindIndex(names, n => s_usualColumns.Contains(n.Trim(), StringComparer.OrdinalIgnoreCase)) : Array.IndexOf(names, column);
        if (index < 0)
        {
            throw new InvalidDataException($"'{file}' has no column {(column is null ? string.Join(" or ", s_usualColumns.Select(c => $"'{c}'")) : $"'{column}'")}; its columns are "
                + $"{string.Join(", ", names.Select(n => $"'{n}'"))}. Name the one with the paths by --path-column.");
        }
        return Readable(file, () =>
        {
            var paths = new List<string>();
            foreach (SepReader.Row row in reader)
                paths.Add(row[index].ToString());
            return paths;
        });
    }

    /// <summary>The library's errors do not name the file: of the header an ArgumentException, of a row an InvalidDataException.</summary>
    private static T Readable<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException($"'{file}' is no table that can be read: {CsvFormat.Shown(e.Message)}", e);
        }
    }
}
