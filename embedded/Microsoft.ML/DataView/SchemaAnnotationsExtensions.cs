namespace Microsoft.ML.Data;

/// <summary>Reads the annotations that are asked for most.</summary>
public static class SchemaAnnotationsExtensions
{
    /// <summary>Whether the column is a vector of known size with a text name for each slot.</summary>
    public static bool HasSlotNames(this DataViewSchema.Column column)
        => column.Type is VectorDataViewType { Size: > 0 } type && column.HasSlotNames(type.Size);

    /// <summary>Fetches the slot names.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public static void GetSlotNames(this DataViewSchema.Column column, ref VBuffer<ReadOnlyMemory<char>> slotNames)
        => column.Annotations.GetValue(AnnotationUtils.Kinds.SlotNames, ref slotNames);

    /// <summary>Whether the column is a key (or a vector of keys) with a value for each key.</summary>
    /// <param name="column">The column.</param>
    /// <param name="keyValueItemType">The values' type; text if not given.</param>
    public static bool HasKeyValues(this DataViewSchema.Column column, PrimitiveDataViewType keyValueItemType = null)
        => column.Type.GetItemType() is KeyDataViewType key
            && column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is VectorDataViewType values
            && key.Count == (ulong)values.Size
            && (keyValueItemType ?? TextDataViewType.Instance).Equals(values.ItemType);

    /// <summary>Fetches the values behind a key column: slot k - 1 belongs to raw value k.</summary>
    /// <exception cref="InvalidOperationException">There are none, or of another type.</exception>
    public static void GetKeyValues<TValue>(this DataViewSchema.Column column, ref VBuffer<TValue> keyValues)
        => column.Annotations.GetValue(AnnotationUtils.Kinds.KeyValues, ref keyValues);

    /// <summary>Whether the column is marked as normalized.</summary>
    public static bool IsNormalized(this DataViewSchema.Column column)
    {
        bool value = false;
        if (column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.IsNormalized)?.Type is BooleanDataViewType)
            column.Annotations.GetValue(AnnotationUtils.Kinds.IsNormalized, ref value);
        return value;
    }
}
