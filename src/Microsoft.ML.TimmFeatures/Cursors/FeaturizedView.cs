using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>A lazy view with feature columns: nothing is computed before a cursor asks for one. Thread safe.</summary>
internal sealed class FeaturizedView(IDataView input, FeaturizedSchema columns, FeaturizerSession session, FeaturizerOptions options, IHostEnvironment? environment) : IDataView
{
    public FeaturizerOptions Options => options;

    public IHostEnvironment? Environment => environment;

    public bool CanShuffle => input.CanShuffle;

    public DataViewSchema Schema => columns.Schema;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = Active(columnsNeeded);
        return Wrap(input.GetRowCursor(columns.Dependencies(ActiveColumns(active)), rand), active, System.Environment.ProcessorCount);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = Active(columnsNeeded);
        DataViewRowCursor[] cursors = input.GetRowCursorSet(columns.Dependencies(ActiveColumns(active)), n, rand);
        int workers = Math.Max(1, System.Environment.ProcessorCount / cursors.Length);
        return [.. cursors.Select(c => Wrap(c, active, workers))];
    }

    public (int Mapping, int Output)? FeatureAt(int column) => columns.FeatureAt(column);

    /// <summary>Refuses a column of another schema.</summary>
    public void CheckColumn(DataViewSchema.Column column) => RowChecks.Column(Schema, column);

    /// <summary>Refuses inactive columns and getters of another type.</summary>
    public void CheckGetter<TValue>(DataViewSchema.Column column, bool isActive) => RowChecks.Getter<TValue>(column, isActive);

    private DataViewRowCursor Wrap(DataViewRowCursor cursor, bool[] active, int workers)
    {
        ulong[] outputs = columns.ActiveOutputs(i => active[i]);
        if (outputs.All(o => o == 0))
            return new PassThroughCursor(this, cursor);
        int size = options.EffectiveBatchSize;
        return new BatchingCursor(this, cursor, active, () => new RowBatch(
            cursor,
            size,
            [.. Enumerable.Range(0, columns.Input.Count).Select(i => active[i] ? ColumnBuffer.Create(cursor, cursor.Schema[i], size) : null)],
            [.. outputs.Select((o, m) => o == 0 ? null : new FeatureComputation(cursor, columns.Mappings[m], session.For(o), o, size, options))]), workers);
    }

    private bool[] Active(IEnumerable<DataViewSchema.Column> columnsNeeded)
    {
        var active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
        {
            if (column.Index >= active.Length || Schema[column.Index].Name != column.Name)
                throw new ArgumentException($"Column '{column.Name}' is not of this view.", nameof(columnsNeeded));
            active[column.Index] = true;
        }
        return active;
    }

    private IEnumerable<DataViewSchema.Column> ActiveColumns(bool[] active) => Schema.Where(c => active[c.Index]);
}

/// <summary>The checks that every row and cursor makes, with ML.NET's kinds of exception.</summary>
internal static class RowChecks
{
    public static void Column(DataViewSchema schema, DataViewSchema.Column column)
    {
        if (column.Index >= schema.Count || schema[column.Index].Name != column.Name)
            throw new ArgumentException($"Column '{column.Name}' is not of this schema.", nameof(column));
    }

    public static void Getter<TValue>(DataViewSchema.Column column, bool isActive)
    {
        if (!isActive)
            throw new InvalidOperationException($"Column '{column.Name}' is not active: name it when the cursor is made.");
        if (typeof(TValue) != column.Type.RawType)
            throw new InvalidOperationException($"Column '{column.Name}' has values of type {column.Type.RawType}; a getter of {typeof(TValue)} was asked for.");
    }
}
