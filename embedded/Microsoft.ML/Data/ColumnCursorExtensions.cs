using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Reads one column.</summary>
public static class ColumnCursorExtensions
{
    /// <summary>The values of a column by name, read while they are enumerated.</summary>
    /// <typeparam name="T">The column's raw type; string for text; an array for a vector, strings for texts.</typeparam>
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName)
    {
        Contracts.CheckValue(data, nameof(data));
        return GetColumn<T>(data, data.Schema[columnName]);
    }

    /// <summary>The values of a column, read while they are enumerated. Vectors share arrays from row to row.</summary>
    /// <typeparam name="T">The column's raw type; string for text; an array for a vector, strings for texts.</typeparam>
    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        Contracts.CheckValue(data, nameof(data));
        Contracts.CheckNonEmpty(column.Name, nameof(column));
        if (column.Index >= data.Schema.Count || data.Schema[column.Index].Name != column.Name || data.Schema[column.Index].Type != column.Type)
            throw Contracts.ExceptParam(nameof(column), $"column with name {column.Name}, type {column.Type}, and index {column.Index} cannot be found in data");

        if (typeof(T) == column.Type.RawType)
            return Read<T, T>(data, column, value => value);
        if (typeof(T) == typeof(string) && column.Type is TextDataViewType)
            return (IEnumerable<T>)Read<ReadOnlyMemory<char>, string>(data, column, text => text.ToString());
        if (typeof(T) == typeof(string[]) && column.Type.GetItemType() is TextDataViewType && column.Type is VectorDataViewType)
            return (IEnumerable<T>)Read<VBuffer<ReadOnlyMemory<char>>, string[]>(data, column, ToStrings);
        if (typeof(T).IsArray && column.Type is VectorDataViewType vector && vector.ItemType.RawType == typeof(T).GetElementType())
            return (IEnumerable<T>)Generic.Invoke(ReadArrays<int>, vector.ItemType.RawType, data, column);
        throw Contracts.ExceptParam(nameof(column), $"Cannot map column (name: {column.Name}, type: {column.Type}) in data to the user-defined type, {typeof(T)}.");
    }

    private static IEnumerable<TOut> Read<TValue, TOut>(IDataView data, DataViewSchema.Column column, Func<TValue, TOut> convert)
    {
        using var cursor = data.GetRowCursor(column);
        var get = cursor.GetGetter<TValue>(column);
        TValue value = default;
        while (cursor.MoveNext())
        {
            get(ref value);
            yield return convert(value);
        }
    }

    private static IEnumerable<T[]> ReadArrays<T>(IDataView data, DataViewSchema.Column column) => Read<VBuffer<T>, T[]>(data, column, ToArray);

    private static T[] ToArray<T>(VBuffer<T> vector)
    {
        var items = new T[vector.Length];
        vector.CopyTo(items.AsSpan());
        return items;
    }

    // Slots without a value stay null.
    private static string[] ToStrings(VBuffer<ReadOnlyMemory<char>> vector)
    {
        var texts = new string[vector.Length];
        foreach (var (slot, text) in vector.Items())
            texts[slot] = text.ToString();
        return texts;
    }
}
