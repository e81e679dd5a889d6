using Backbones.Weights;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction;

/// <summary>Writes a file of features and what belongs beside it, each whole or not at all, the report last.</summary>
internal static class FeatureFiles
{
    public static void Write(string file, TableFormat format, FeatureTable table, ExtractionReport report, CancellationToken cancellation)
    {
        // An old report must not vouch for a new file.
        File.Delete(ExtractionReport.PathOf(file));
        if (format.NeedsRowsFile)
            AtomicFile.Write(RowsFile.PathOf(file), stream => RowsFile.Write(stream, table));
        AtomicFile.Write(file, stream => format.Write(stream, table, cancellation));
        report.Write(file);
    }
}
