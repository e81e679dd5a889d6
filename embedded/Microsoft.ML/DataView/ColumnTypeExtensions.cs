namespace Microsoft.ML.Data;

/// <summary>Questions about column types that transforms ask often.</summary>
internal static class ColumnTypeExtensions
{
    public static bool IsStandardScalar(this DataViewType type)
        => type is NumberDataViewType or TextDataViewType or BooleanDataViewType or RowIdDataViewType
            or TimeSpanDataViewType or DateTimeDataViewType or DateTimeOffsetDataViewType;

    /// <summary>Number of categories; 0 for anything but a key.</summary>
    public static ulong GetKeyCount(this DataViewType type) => (type as KeyDataViewType)?.Count ?? 0;

    /// <summary>The type of a vector's items; anything else is its own item.</summary>
    public static DataViewType GetItemType(this DataViewType type) => (type as VectorDataViewType)?.ItemType ?? type;

    /// <summary>Size of a vector; 0 for anything else and where not known.</summary>
    public static int GetVectorSize(this DataViewType type) => (type as VectorDataViewType)?.Size ?? 0;

    /// <summary>Size of a vector, 0 where not known; 1 for anything else.</summary>
    public static int GetValueCount(this DataViewType type) => (type as VectorDataViewType)?.Size ?? 1;

    public static bool IsKnownSizeVector(this DataViewType type) => type.GetVectorSize() > 0;

    /// <summary>Equal up to the factoring of a vector's size into dimensions.</summary>
    public static bool SameSizeAndItemType(this DataViewType type, DataViewType other)
        => type.Equals(other)
            || type is VectorDataViewType a && other is VectorDataViewType b && a.Size == b.Size && a.ItemType.Equals(b.ItemType);

    /// <summary>The standard type that carries values of a .NET type.</summary>
    public static PrimitiveDataViewType PrimitiveTypeFromType(Type type)
        => TryGetPrimitiveType(type) ?? throw new InvalidOperationException($"No standard column type carries values of {type}.");

    /// <summary>The number type that carries values of a .NET type.</summary>
    public static NumberDataViewType NumberTypeFromType(Type type)
        => TryGetPrimitiveType(type) as NumberDataViewType ?? throw new InvalidOperationException($"No number type carries values of {type}.");

    /// <summary>The standard type that carries values of a .NET type, or null.</summary>
    public static PrimitiveDataViewType TryGetPrimitiveType(Type type)
    {
        if (type.IsEnum)
            return null;
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => BooleanDataViewType.Instance,
            TypeCode.SByte => NumberDataViewType.SByte,
            TypeCode.Byte => NumberDataViewType.Byte,
            TypeCode.Int16 => NumberDataViewType.Int16,
            TypeCode.UInt16 => NumberDataViewType.UInt16,
            TypeCode.Int32 => NumberDataViewType.Int32,
            TypeCode.UInt32 => NumberDataViewType.UInt32,
            TypeCode.Int64 => NumberDataViewType.Int64,
            TypeCode.UInt64 => NumberDataViewType.UInt64,
            TypeCode.Single => NumberDataViewType.Single,
            TypeCode.Double => NumberDataViewType.Double,
            TypeCode.String => TextDataViewType.Instance,
            TypeCode.DateTime => DateTimeDataViewType.Instance,
            _ when type == typeof(ReadOnlyMemory<char>) => TextDataViewType.Instance,
            _ when type == typeof(TimeSpan) => TimeSpanDataViewType.Instance,
            _ when type == typeof(DateTimeOffset) => DateTimeOffsetDataViewType.Instance,
            _ when type == typeof(DataViewRowId) => RowIdDataViewType.Instance,
            _ => null,
        };
    }
}
