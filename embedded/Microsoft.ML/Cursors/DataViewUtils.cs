using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Parallel reading of views.</summary>
internal static class DataViewUtils
{
    /// <summary>Whether values can be buffered: they don't belong to anyone else.</summary>
    public static bool IsCacheable(this DataViewType type) => type is PrimitiveDataViewType or VectorDataViewType;

    public static bool AllCacheable(IEnumerable<DataViewSchema.Column> columns) => columns.All(c => c.Type.IsCacheable());

    /// <summary>Number of threads worth using.</summary>
    public static int GetThreadCount() => Math.Max(2, Environment.ProcessorCount - 1);

    /// <summary>Reads a view in parallel behind one cursor. Not possible where a column's values can't be buffered.</summary>
    public static bool TryCreateConsolidatingCursor(out DataViewRowCursor cursor, IDataView view, IEnumerable<DataViewSchema.Column> columnsNeeded, IHost host, Random rand)
    {
        int threads = GetThreadCount();
        cursor = AllCacheable(columnsNeeded) ? ConsolidateGeneric(host, view.GetRowCursorSet(columnsNeeded, threads, rand)) : null;
        return cursor is not null;
    }

    /// <summary>Distributes the rows of a cursor over several. Gives it back as it is where a column's values can't be buffered.</summary>
    public static DataViewRowCursor[] CreateSplitCursors(IChannelProvider provider, DataViewRowCursor input, int count)
        => count <= 1 || !AllCacheable(input.Schema.Where(input.IsColumnActive)) ? [input] : CursorSplitter.Split(provider, input, count);

    /// <summary>Joins the cursors of a set into one, with the rows in order of their batches.</summary>
    public static DataViewRowCursor ConsolidateGeneric(IChannelProvider provider, DataViewRowCursor[] inputs)
    {
        provider.CheckNonEmpty(inputs, nameof(inputs));
        if (inputs.Length == 1)
            return inputs[0];
        var schema = inputs[0].Schema;
        provider.CheckParam(inputs.All(c => c.Schema == schema && schema.All(column => c.IsColumnActive(column) == inputs[0].IsColumnActive(column))), nameof(inputs), "Inputs not compatible for consolidation");
        provider.CheckParam(AllCacheable(schema.Where(inputs[0].IsColumnActive)), nameof(inputs), "Inputs had some uncachable input columns");
        return CursorConsolidator.Consolidate(provider, inputs);
    }
}
