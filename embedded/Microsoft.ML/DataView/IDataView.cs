using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>
/// A table with a schema, read through cursors. Lazy: nothing is computed before a cursor asks, and only for the columns asked for.
/// Thread safe, while its cursors are not.
/// </summary>
public interface IDataView
{
    /// <summary>Whether a cursor with a random generator gives the rows in random order.</summary>
    bool CanShuffle { get; }

    /// <summary>The columns. Always the same instance.</summary>
    DataViewSchema Schema { get; }

    /// <summary>Number of rows, where it is known without reading them.</summary>
    long? GetRowCount();

    /// <summary>Opens a cursor over all rows.</summary>
    /// <param name="columnsNeeded">The columns that will be read; the cursor may leave all others inactive.</param>
    /// <param name="rand">Source of the random order, or null for the view's own order. A view that can't shuffle ignores it.</param>
    DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null);

    /// <summary>Opens up to <paramref name="n"/> cursors for parallel reading, which together give every row once.</summary>
    DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null);
}

/// <summary>Fetches a value of the current row into <paramref name="value"/>, whose arrays may be reused.</summary>
public delegate void ValueGetter<TValue>(ref TValue value);
