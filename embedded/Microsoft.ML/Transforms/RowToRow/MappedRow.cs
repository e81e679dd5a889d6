using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A row that follows another one and adds columns to it.</summary>
/// <param name="input">The row that is followed; disposed of with this one.</param>
/// <param name="schema">The schema of this row.</param>
/// <param name="sources">By column: the input's column, or the complement of the added column's index.</param>
/// <param name="active">Which columns can be read.</param>
/// <param name="getters">The getters of the added columns.</param>
internal sealed class MappedRow(DataViewRow input, DataViewSchema schema, int[] sources, bool[] active, Delegate[] getters) : DataViewRow
{
    private bool _disposed;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override DataViewSchema Schema => schema;

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        Contracts.CheckParam(column.Index < active.Length, nameof(column), $"There is no column {column.Index}");
        return active[column.Index];
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
            throw Contracts.Except($"Column '{column.Name}' was not asked for when the rows were opened, so it can't be read.");
        int source = sources[column.Index];
        if (source >= 0)
            return input.GetGetter<TValue>(input.Schema[source]);
        return getters[~source] as ValueGetter<TValue>
            ?? throw Contracts.Except($"Invalid TValue in GetGetter: '{typeof(TValue)}', expected type: '{schema[column.Index].Type.RawType}'.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
            input.Dispose();
        _disposed = true;
        base.Dispose(disposing);
    }
}
