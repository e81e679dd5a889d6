using Backbones;
using Backbones.Graphs;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>A lazy view with feature columns: nothing is computed before a cursor asks for one. Thread safe.</summary>
internal sealed class FeaturizedView(IDataView input, FeaturizedSchema columns, Lease<FeaturizerSession> session, FeaturizerOptions options, FeaturizerHost host) : IDataView
{
    private const int AutoBatchSize = 16;

    /// <summary>Bytes that the values of an automatic batch may take.</summary>
    private const long AutoBatchBytes = 256 << 20;

    public bool CanShuffle => input.CanShuffle;

    public DataViewSchema Schema => columns.Schema;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = columns.Flags(columnsNeeded);
        DataViewRowCursor cursor = input.GetRowCursor(columns.Dependencies(Schema.Where(c => active[c.Index])), rand);
        return Wrap([cursor], active)[0];
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = columns.Flags(columnsNeeded);
        return Wrap(input.GetRowCursorSet(columns.Dependencies(Schema.Where(c => active[c.Index])), n, rand), active);
    }

    private DataViewRowCursor[] Wrap(DataViewRowCursor[] cursors, bool[] active)
    {
        try
        {
            bool[][] outputs = [.. Enumerable.Range(0, columns.MappingCount).Select(m => columns.ActiveOutputs(m, active))];
            if (!outputs.Any(o => o.Contains(true)))
                return [.. cursors.Select(c => new PassThroughCursor(columns, c, active))];

            FeatureExtractor?[] extractors = [.. outputs.Select(o => o.Contains(true) ? session.Value.For(o) : null)];
            int size = BatchSize(extractors.OfType<FeatureExtractor>().First());
            int workers = Math.Max(1, Environment.ProcessorCount / cursors.Length);
            var progress = new PassProgress(options, input.GetRowCount(), size, cursors.Length);
            return [.. cursors.Select(c => new BatchingCursor(columns, c, active, workers, options, host, progress,
                () => new RowBatch(c, size,
                    [.. columns.Input.Select(i => active[i.Index] ? ColumnBuffer.Create(c, c.Schema[i.Index], size) : null)],
                    [.. extractors.Select((e, m) => e is null ? null : new ImageBatch(c, columns.InputOf(m), size, e, options))]),
                [.. extractors.Select((e, m) => e is null ? null : new FeatureComputation(session, e, outputs[m], size, options.OnImageError))]))];
        }
        catch
        {
            foreach (DataViewRowCursor cursor in cursors)
                cursor.Dispose();
            throw;
        }
    }

    private int BatchSize(FeatureExtractor extractor)
    {
        long values = extractor.InputShape.Length + extractor.Outputs.Sum(o => o.Shape.Length);
        long largest = Array.MaxLength / Math.Max(extractor.InputShape.Length, extractor.Outputs.Max(o => o.Shape.Length));
        if (options.BatchSize > largest)
            throw new ArgumentOutOfRangeException(nameof(FeaturizerOptions.BatchSize), options.BatchSize, $"One row of '{options.ModelName}' takes {values} values; batches can have at most {largest} rows.");
        long size = options.BatchSize > 0 ? options.BatchSize : Math.Clamp(AutoBatchBytes / (values * sizeof(float)), 1, AutoBatchSize);
        return (int)Math.Clamp(input.GetRowCount() ?? size, 1, size);
    }
}
