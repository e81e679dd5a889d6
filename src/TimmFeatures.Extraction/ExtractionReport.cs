using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones;
using Backbones.Imaging;
using Backbones.Weights;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction;

/// <summary>What decides the values of features: equal settings and images give equal files.</summary>
/// <param name="Version">The tool's.</param>
/// <param name="Model">timm's full name.</param>
/// <param name="Weights">SHA-256 of the weights' content, or <c>random</c>.</param>
/// <param name="Selection">What was asked of the model.</param>
/// <param name="Transform">From pictures to inputs.</param>
/// <param name="UseTestSize">Whether it is the size that tests best.</param>
/// <param name="ApplyExif">Whether images are turned by their EXIF data.</param>
/// <param name="Engine">What computes.</param>
/// <param name="Precision">Number format.</param>
/// <param name="Outputs">The columns.</param>
/// <param name="Images">Images asked for, of all shards together.</param>
/// <param name="ImagesSha256">SHA-256 over their names.</param>
/// <param name="ModelArgs">Arguments that the model is made with, as JSON; null for none.</param>
internal sealed record ExtractionSettings(string Version, string Model, string Weights, FeatureSelection Selection, ImageTransformOptions Transform, bool UseTestSize, bool ApplyExif, string Engine, string Precision,
    IReadOnlyList<FeatureColumn> Outputs, int Images, string ImagesSha256, string? ModelArgs = null)
{
    /// <summary>The tool's version, which all its assemblies share.</summary>
    public static string ToolVersion { get; } = typeof(ExtractionSettings).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Value of <see cref="Weights"/> where there are none.</summary>
    public const string RandomWeights = "random";

    /// <summary>The settings in words to compare, and for files that have a place for them.</summary>
    public string ToText() => SnakeCaseJson.Write(this);

    /// <summary>Names of the settings in which another extraction differs, with both values.</summary>
    public string DifferenceFrom(ExtractionSettings other)
    {
        JsonObject mine = JsonNode.Parse(ToText())!.AsObject(), theirs = JsonNode.Parse(other.ToText())!.AsObject();
        return string.Join("; ", mine.Where(p => !JsonNode.DeepEquals(p.Value, theirs[p.Key])).Select(p => $"{p.Key} is {theirs[p.Key]?.ToJsonString()} there and {p.Value?.ToJsonString()} here"));
    }

    /// <summary>SHA-256 over names, one a line.</summary>
    public static string HashOf(IEnumerable<string> names)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in names)
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>An image that could not be read.</summary>
/// <param name="Row">Its row in the file.</param>
/// <param name="Path">Its name.</param>
/// <param name="Error">Why.</param>
internal sealed record ImageFailure(int Row, string Path, string Error);

/// <summary>What is beside every file of features, <c>FILE.report.json</c>: where they are from, and which images have none. It is written last: a file that has one is whole.</summary>
/// <param name="Settings">What decides the values.</param>
/// <param name="Shard">Which part of the images this is; null for all.</param>
/// <param name="Rows">Rows of the file.</param>
/// <param name="Failures">The rows without features.</param>
internal sealed record ExtractionReport(ExtractionSettings Settings, Shard? Shard, int Rows, IReadOnlyList<ImageFailure> Failures)
{
    /// <summary>SHA-256 of the file, and of the one with its rows' paths where it has such a one beside it; null in a report that has none yet.</summary>
    public string? Sha256 { get; init; }

    /// <inheritdoc cref="Sha256"/>
    public string? RowsSha256 { get; init; }

    public static string PathOf(string file) => $"{file}.report.json";

    public void Write(string file) => AtomicFile.Write(PathOf(file), stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(SnakeCaseJson.Write(this));
    });

    /// <summary>The report of a file; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is none that this tool wrote.</exception>
    public static ExtractionReport? TryRead(string file)
    {
        string path = PathOf(file);
        return File.Exists(path) ? Parse(File.ReadAllText(path), path) : null;
    }

    /// <summary>Reads a report.</summary>
    /// <param name="text">JSON.</param>
    /// <param name="path">Where it was.</param>
    /// <exception cref="InvalidDataException">It is none that this tool wrote.</exception>
    public static ExtractionReport Parse(string text, string path)
    {
        try
        {
            ExtractionReport report = SnakeCaseJson.Read<ExtractionReport>(text);
            return report is { Settings: { Outputs: not null, Selection: not null, Transform: not null }, Failures: not null } ? report : throw new JsonException("a part of it is missing.");
        }
        // A selection without its kind is not supported.
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"'{path}' is no report of an extraction: {e.Message}", e);
        }
    }

    /// <summary>The same with the hashes of the file, which has been written.</summary>
    public ExtractionReport Of(string file) => this with { Sha256 = HashOf(file), RowsSha256 = TableFormat.Of(file).NeedsRowsFile && File.Exists(RowsFile.PathOf(file)) ? HashOf(RowsFile.PathOf(file)) : null };

    /// <summary>Compares a file with the one that the report was written for: one that was cut or changed reads like any other.</summary>
    /// <exception cref="InvalidDataException">It is another.</exception>
    public void EnsureIsOf(string file)
    {
        ExtractionReport now = Of(file);
        if ((now.Sha256, now.RowsSha256) != (Sha256, RowsSha256))
            throw new InvalidDataException($"'{(now.Sha256 == Sha256 ? RowsFile.PathOf(file) : file)}' is not as it was written: its SHA-256 is not that of '{PathOf(file)}'. Extract it again, or take it from where it was copied.");
    }

    private static string HashOf(string file)
    {
        using var stream = new FileStream(file, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>The report of a file that must have one.</summary>
    /// <exception cref="FileNotFoundException">The file or its report is missing.</exception>
    /// <exception cref="InvalidDataException">The file is not as it was written.</exception>
    public static ExtractionReport Read(string file)
    {
        if (!File.Exists(file))
            throw new FileNotFoundException(Directory.Exists(file) ? $"'{file}' is a folder; expected a file that 'timm-features extract' wrote." : $"There is no file '{file}'.", file);
        ExtractionReport report = TryRead(file) ?? throw new FileNotFoundException($"'{file}' has no report '{PathOf(file)}' beside it: it was not written by 'timm-features extract', or is not complete.", PathOf(file));
        report.EnsureIsOf(file);
        return report;
    }

    /// <summary>The file's table.</summary>
    public FeatureTable Open(string file) => new(Settings.Outputs, Settings.ToText(), Rows, () => RowsOf(file));

    /// <exception cref="InvalidDataException">The file is damaged: whatever its reader throws then, the message names it.</exception>
    private IEnumerable<FeatureRow> RowsOf(string file)
    {
        IEnumerator<FeatureRow>? rows = null;
        try
        {
            while (Next())
                yield return rows!.Current;
        }
        finally
        {
            rows?.Dispose();
        }

        bool Next()
        {
            try
            {
                rows ??= TableFormat.Of(file).Read(file, Settings.Outputs, Rows).GetEnumerator();
                return rows.MoveNext();
            }
            catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException) && !e.Message.Contains(file, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"'{file}' is damaged: {CsvFormat.Shown(e.Message)}", e);
            }
        }
    }
}
