using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view over another one, read in parallel where that pays.</summary>
internal abstract class DataTransformBase : IDataView
{
    protected readonly IHost Host;

    protected DataTransformBase(IHostEnvironment env, string name, IDataView source)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(source, nameof(source));
        Host = env.Register(name);
        Source = source;
    }

    public IDataView Source { get; }

    public virtual bool CanShuffle => Source.CanShuffle;

    public abstract DataViewSchema Schema { get; }

    public abstract long? GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        rand = CanShuffle ? rand : null;

        // Where it is left to the input, asking for parallel cursors puts the joining after this view's own work.
        if (ShouldUseParallelCursors(active) != false && DataViewUtils.TryCreateConsolidatingCursor(out var cursor, this, columnsNeeded, Host, rand))
            return cursor;
        return GetRowCursorCore(active, rand);
    }

    public abstract DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null);

    /// <summary>Whether reading the columns in parallel pays; null leaves it to the input.</summary>
    protected abstract bool? ShouldUseParallelCursors(bool[] active);

    /// <summary>Opens one cursor on the caller's thread.</summary>
    protected abstract DataViewRowCursor GetRowCursorCore(bool[] active, Random rand);

    /// <summary>The columns that are active, by index.</summary>
    protected static IEnumerable<DataViewSchema.Column> ColumnsOf(DataViewSchema schema, bool[] active) => schema.Where(c => active[c.Index]);
}
