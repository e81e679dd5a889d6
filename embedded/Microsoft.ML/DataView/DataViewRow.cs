using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>A row of values, read through typed getters.</summary>
public abstract class DataViewRow : IDisposable
{
    /// <summary>Number of the row, from 0; -1 where there is no current row. Unique in its cursor only.</summary>
    public abstract long Position { get; }

    /// <summary>In a cursor set: rows in order of batch, and inside a batch in order of their cursor, are the view's order.</summary>
    public abstract long Batch { get; }

    /// <summary>The columns.</summary>
    public abstract DataViewSchema Schema { get; }

    /// <summary>A getter of the row's id, which is the same however the row is reached.</summary>
    public abstract ValueGetter<DataViewRowId> GetIdGetter();

    /// <summary>Whether the column's values can be read.</summary>
    public abstract bool IsColumnActive(DataViewSchema.Column column);

    /// <summary>A getter of the column's value in whatever row is current when it is called.</summary>
    /// <typeparam name="TValue">Exactly the column type's <see cref="DataViewType.RawType"/>.</typeparam>
    public abstract ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column);

    /// <summary>Frees what the row holds.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the row holds. Called again, it does nothing.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A row that moves over a view.</summary>
public abstract class DataViewRowCursor : DataViewRow
{
    /// <summary>Moves to the next row; false where there is none, from then on always.</summary>
    public abstract bool MoveNext();
}
