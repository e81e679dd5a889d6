namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>A lazy view with feature columns: nothing is computed before a cursor asks for one. Thread safe.</summary>
internal sealed class FeaturizedView(IDataView input, FeaturizedSchema columns, RowModel model, FeaturizerHost host) : IDataView
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

            int rows = model.RowsPerBatch(outputs);
            int size = (int)Math.Clamp(input.GetRowCount() ?? rows, 1, rows);
            int workers = Math.Max(1, Environment.ProcessorCount / cursors.Length);
            var progress = new PassProgress(model.Settings, input.GetRowCount(), size, cursors.Length);
            return [.. cursors.Select(c =>
            {
                RowComputation?[] computations = [.. outputs.Select(o => o.Contains(true) ? model.Compute(o, size) : null)];
                return new BatchingCursor(columns, c, active, workers, model.Settings, host, progress,
                    () => new RowBatch(c, size,
                        [.. columns.Input.Select(i => active[i.Index] ? ColumnBuffer.Create(c, c.Schema[i.Index], size) : null)],
                        [.. computations.Select((computation, m) => computation?.MakeBatch(c, columns.InputOf(m), size))]),
                    computations);
            })];
        }
        catch
        {
            foreach (DataViewRowCursor cursor in cursors)
                cursor.Dispose();
            throw;
        }
    }
}
