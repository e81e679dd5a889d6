using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>What cursors have in common.</summary>
internal static class RowCursorUtils
{
    public const string FetchValueStateError = "Values cannot be fetched at this time. This method was called either before the first call to "
        + nameof(DataViewRowCursor.MoveNext) + ", or at any point after that method returned false.";

    /// <summary>A getter of the column's own type, whatever it is.</summary>
    public static Delegate GetGetterAsDelegate(DataViewRow row, int column)
        => (Delegate)Generic.Invoke(GetGetter<int>, row.Schema[column].Type.RawType, row, row.Schema[column]);

    /// <summary>The getter in the type that is asked for.</summary>
    /// <exception cref="InvalidOperationException">It is of another type, or there is none because the column is inactive.</exception>
    public static ValueGetter<TValue> As<TValue>(Delegate getter, DataViewSchema.Column column)
        => getter switch
        {
            ValueGetter<TValue> typed => typed,
            null => throw Contracts.Except($"Column '{column.Name}' is not active, so its values can't be asked for."),
            _ => throw Contracts.Except($"Invalid TValue in GetGetter: '{typeof(TValue)}', expected type: '{getter.GetType().GetGenericArguments()[0]}' (column '{column.Name}' is {column.Type})."),
        };

    /// <summary>Which columns, by index.</summary>
    public static bool[] ToActive(IEnumerable<DataViewSchema.Column> columnsNeeded, DataViewSchema schema)
    {
        Contracts.CheckValue(columnsNeeded, nameof(columnsNeeded));
        var active = new bool[schema.Count];
        foreach (var column in columnsNeeded)
        {
            if (column.Index >= active.Length)
                throw Contracts.Except($"The requested column: {column} is not part of the {nameof(schema)}");
            active[column.Index] = true;
        }
        return active;
    }

    private static Delegate GetGetter<T>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<T>(column);
}
