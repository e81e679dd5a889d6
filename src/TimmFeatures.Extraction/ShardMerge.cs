using System.Globalization;
using System.Text.RegularExpressions;
using Backbones.Weights;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction;

/// <summary>Joins the files of all shards into the file that one machine would have written.</summary>
internal static partial class ShardMerge
{
    /// <summary>The shards of a file by their names, <c>out-00000-of-00004.parquet</c>.</summary>
    /// <exception cref="FileNotFoundException">There are none.</exception>
    /// <exception cref="InvalidDataException">There are those of several numbers of parts.</exception>
    public static IReadOnlyList<string> Find(string output)
    {
        string extension = Path.GetExtension(output), stem = Path.GetFileName(output)[..^extension.Length], folder = Path.GetDirectoryName(output) is { Length: > 0 } given ? given : ".";
        (string Path, string Count)[] found =
        [
            .. from path in (Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : []).Order(StringComparer.Ordinal)
               let name = Path.GetFileName(path)
               where name.StartsWith(stem, StringComparison.Ordinal) && name.EndsWith(extension, StringComparison.OrdinalIgnoreCase)
               let match = ShardSuffix().Match(name[stem.Length..^extension.Length])
               where match.Success
               select (Path.Combine(folder, name), match.Groups[1].Value),
        ];
        if (found.Length == 0)
            throw new FileNotFoundException($"There are no shards of '{output}': no file '{stem}-…-of-…{extension}' in '{folder}'. Name them, or the output as for 'extract'.");
        string[] counts = [.. found.Select(f => f.Count).Distinct()];
        return counts.Length == 1 ? [.. found.Select(f => f.Path)]
            : throw new InvalidDataException($"There are shards of '{output}' of {string.Join(" and of ", counts.Select(c => int.Parse(c, CultureInfo.InvariantCulture)))} parts; name those of one, or delete the others.");
    }

    /// <summary>Writes the joined file.</summary>
    /// <returns>Its report.</returns>
    /// <exception cref="InvalidDataException">A shard is missing, there twice, damaged, or of another extraction.</exception>
    public static ExtractionReport Run(IReadOnlyList<string> files, string output, CancellationToken cancellation)
    {
        (string File, ExtractionReport Report)[] shards = [.. files.Select(f => (f, ExtractionReport.Read(f))).OrderBy(s => s.Item2.Shard?.Index)];
        Check(shards);
        ExtractionSettings settings = shards[0].Report.Settings;
        var failures = new List<ImageFailure>();
        int rows = 0;
        foreach ((_, ExtractionReport report) in shards)
        {
            failures.AddRange(report.Failures.Select(f => f with { Row = f.Row + rows }));
            rows += report.Rows;
        }
        var merged = new ExtractionReport(settings, null, rows, failures);
        var table = new FeatureTable(settings.Outputs, settings.ToText(), rows, () => shards.SelectMany(s => s.Report.Open(s.File).Rows()));
        TableFormat format = TableFormat.Of(output);
        format.Check(output, settings.Outputs, rows);
        AtomicFile.MakeFolderOf(output);
        return FeatureFiles.Write(output, format, table, merged, cancellation);
    }

    private static void Check((string File, ExtractionReport Report)[] shards)
    {
        (string first, ExtractionReport model) = shards[0];
        if (shards.FirstOrDefault(s => s.Report.Shard is null).File is { } whole)
            throw new InvalidDataException($"'{whole}' is no shard but all of its images; there is nothing to join.");
        foreach ((string file, ExtractionReport report) in shards.Skip(1))
        {
            if (report.Shard!.Count != model.Shard!.Count)
                throw new InvalidDataException($"'{file}' is one of {report.Shard.Count} shards and '{first}' one of {model.Shard.Count}.");
            if (model.Settings.DifferenceFrom(report.Settings) is { Length: > 0 } difference)
                throw new InvalidDataException($"'{file}' is of another extraction than '{first}': {difference}.");
        }
        int count = model.Shard!.Count;
        if (shards.GroupBy(s => s.Report.Shard!.Index).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"Shard {twice.Key} of {count} is there twice: {string.Join(" and ", twice.Select(s => $"'{s.File}'"))}.");
        int[] missing = [.. Enumerable.Range(0, count).Except(shards.Select(s => s.Report.Shard!.Index))];
        if (missing.Length > 0)
            throw new InvalidDataException($"Of {count} shards {missing.Length} {(missing.Length == 1 ? "is" : "are")} missing or not complete: {string.Join(", ", missing.Take(20))}{(missing.Length > 20 ? ", …" : "")}.");
        foreach ((string file, ExtractionReport report) in shards)
        {
            (int start, int end) = report.Shard!.RangeOf(report.Settings.Images);
            if (report.Rows != end - start)
                throw new InvalidDataException($"'{file}' has {report.Rows} rows; shard {report.Shard.Index} of {count} has {end - start} of {report.Settings.Images} images.");
        }
    }

    [GeneratedRegex(@"^-\d{5,}-of-(\d{5,})$")]
    private static partial Regex ShardSuffix();
}
