using Backbones.Weights;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction;

/// <summary>Writes a file of features and what belongs beside it, each whole or not at all, the report last.</summary>
internal static class FeatureFiles
{
    /// <summary>All that is written for a file of features, in the meantime or in the end.</summary>
    public static IEnumerable<string> Of(string file) => [file, ExtractionReport.PathOf(file), RowsFile.PathOf(file), Journal.PathOf(file)];

    /// <returns>The report with the file's hashes.</returns>
    public static ExtractionReport Write(string file, TableFormat format, FeatureTable table, ExtractionReport report, CancellationToken cancellation)
    {
        // An old report must not vouch for a new file.
        File.Delete(ExtractionReport.PathOf(file));
        if (format.NeedsRowsFile)
            AtomicFile.Write(RowsFile.PathOf(file), stream => RowsFile.Write(stream, table));
        AtomicFile.Write(file, stream => format.Write(stream, table, cancellation));
        report = report.Of(file);
        report.Write(file);
        return report;
    }
}
