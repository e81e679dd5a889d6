using System.Text.Json.Serialization;

namespace TimmFeatures.Extraction.Files;

/// <summary>One column of features.</summary>
/// <param name="Name">Its name in files.</param>
/// <param name="Shape">Shape of one image's value; files have it flat, row-major.</param>
/// <param name="Reduction">Input pixels per map pixel, for levels.</param>
/// <param name="Module">timm's module, for levels.</param>
internal sealed record FeatureColumn(string Name, int[] Shape, int? Reduction = null, string? Module = null)
{
    /// <summary>Values of one image.</summary>
    [JsonIgnore]
    public int Length { get; } = Shape.Aggregate(1, (a, b) => checked(a * b));
}

/// <summary>The features of one image.</summary>
/// <param name="Path">The image's name.</param>
/// <param name="Error">Why there are none; null where there are.</param>
/// <param name="Values">All columns one after another; empty where there are none. Valid until the next row is asked for.</param>
internal readonly record struct FeatureRow(string Path, string? Error, ReadOnlyMemory<float> Values);

/// <summary>Features of many images, read as a stream, as often as wanted.</summary>
/// <param name="Columns">The columns.</param>
/// <param name="Metadata">What they are, as JSON, for files that have a place for it.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Rows">The rows from the first on.</param>
internal sealed record FeatureTable(IReadOnlyList<FeatureColumn> Columns, string Metadata, int Count, Func<IEnumerable<FeatureRow>> Rows)
{
    /// <summary>Values of one row.</summary>
    public int RowLength => Columns.Sum(c => c.Length);

    /// <summary>Where a column begins in a row's values.</summary>
    public int OffsetOf(FeatureColumn column) => Columns.TakeWhile(c => c != column).Sum(c => c.Length);

    /// <summary>Rows in groups, for files that are written so: of 16 M values, whatever made the table, so that equal tables are equal files.</summary>
    public int RowsPerGroup => Math.Clamp((16 << 20) / RowLength, 1, 1 << 16);
}
