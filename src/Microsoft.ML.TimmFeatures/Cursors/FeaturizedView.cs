using Backbones;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>A lazy view with feature columns: nothing is computed before a cursor asks for one. Thread safe.</summary>
internal sealed class FeaturizedView(IDataView input, FeaturizedSchema columns, ModelSource model, FeaturizerOptions options, FeaturizerHost host) : IDataView
{
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

            using Lease<FeaturizerSession> session = model.Take();
            FeatureExtractor?[] extractors = [.. outputs.Select(o => o.Contains(true) ? session.Value.For(o) : null)];
            int rows = options.RowsPerBatch(extractors.OfType<FeatureExtractor>().MaxBy(e => e.Outputs.Sum(o => o.Shape.Length))!);
            int size = (int)Math.Clamp(input.GetRowCount() ?? rows, 1, rows);
            int workers = Math.Max(1, Environment.ProcessorCount / cursors.Length);
            var progress = new PassProgress(options, input.GetRowCount(), size, cursors.Length);
            return [.. cursors.Select(c => new BatchingCursor(columns, c, active, workers, options, host, progress,
                () => new RowBatch(c, size,
                    [.. columns.Input.Select(i => active[i.Index] ? ColumnBuffer.Create(c, c.Schema[i.Index], size) : null)],
                    [.. extractors.Select((e, m) => e is null ? null : new ImageBatch(c, columns.InputOf(m), size, e, options))]),
                [.. outputs.Select(o => o.Contains(true) ? new FeatureComputation(model.Take(), o, size, options.OnImageError) : null)]))];
        }
        catch
        {
            foreach (DataViewRowCursor cursor in cursors)
                cursor.Dispose();
            throw;
        }
    }
}
