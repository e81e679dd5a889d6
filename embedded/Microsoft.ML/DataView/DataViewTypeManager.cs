using System.Collections.Frozen;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Which column type a .NET type beyond the standard ones stands for, one to one.</summary>
public static class DataViewTypeManager
{
    private static readonly FrozenSet<Type> _standard = new[]
    {
        typeof(bool), typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong),
        typeof(float), typeof(double), typeof(string), typeof(ReadOnlySpan<char>), typeof(ReadOnlyMemory<char>), typeof(VBuffer<>),
        typeof(Nullable<>), typeof(DateTime), typeof(DateTimeOffset), typeof(TimeSpan), typeof(DataViewRowId),
    }.ToFrozenSet();

    private static readonly Lock _lock = new();
    private static readonly Dictionary<(Type, DataViewTypeAttribute), DataViewType> _byRawType = [];
    private static readonly Dictionary<DataViewType, (Type Type, DataViewTypeAttribute)> _byDataViewType = [];

    /// <summary>Registers a pair. Doing so again with the same pair is fine.</summary>
    /// <param name="dataViewType">The column type.</param>
    /// <param name="type">The .NET type of its values.</param>
    /// <param name="typeAttribute">The attribute that tells columns of this .NET type apart, if any.</param>
    /// <exception cref="ArgumentOutOfRangeException">A standard type, or one of the two is already paired otherwise.</exception>
    public static void Register(DataViewType dataViewType, Type type, DataViewTypeAttribute typeAttribute = null)
    {
        if (_standard.Contains(type))
            throw Contracts.ExceptParam(nameof(type), $"{type} has a standard column type and can't be registered again.");
        lock (_lock)
        {
            var key = (type, typeAttribute);
            if (_byRawType.TryGetValue(key, out var otherDataViewType) && !otherDataViewType.Equals(dataViewType))
                throw Contracts.ExceptParam(nameof(type), $"{type} already stands for {otherDataViewType} and can't be associated with {dataViewType} too.");
            if (_byDataViewType.TryGetValue(dataViewType, out var other) && !other.Equals(key))
                throw Contracts.ExceptParam(nameof(dataViewType), $"{dataViewType} is already associated with {other.Type} and can't be with {type} too.");
            _byRawType[key] = dataViewType;
            _byDataViewType[dataViewType] = key;
        }
    }

    /// <summary>Registers a pair; the attributes hold at most one, a <see cref="DataViewTypeAttribute"/>.</summary>
    [Obsolete("Use the overload with a single DataViewTypeAttribute.", false)]
    public static void Register(DataViewType dataViewType, Type type, IEnumerable<Attribute> typeAttributes)
    {
        var attributes = typeAttributes?.ToArray() ?? [];
        if (attributes.Length > 1)
            throw Contracts.ExceptParam(nameof(type), $"Type {type} has too many attributes: {attributes.Length}.");
        if (attributes.FirstOrDefault(a => a is not DataViewTypeAttribute) is { } stranger)
            throw Contracts.ExceptParam(nameof(type), $"Type {type} has an attribute that is no {nameof(DataViewTypeAttribute)}: {stranger}.");
        Register(dataViewType, type, attributes.Cast<DataViewTypeAttribute>().SingleOrDefault());
    }

    internal static bool Knows(Type type, IEnumerable<Attribute> typeAttributes = null)
    {
        lock (_lock)
            return _byRawType.ContainsKey((type, Single(type, typeAttributes)));
    }

    internal static DataViewType GetDataViewType(Type type, IEnumerable<Attribute> typeAttributes = null)
    {
        var attribute = Single(type, typeAttributes);
        lock (_lock)
            return _byRawType.TryGetValue((type, attribute), out var dataViewType)
                ? dataViewType
                : throw Contracts.ExceptParam(nameof(type), $"The raw type {type} with attribute {attribute?.ToString() ?? "(none)"} is not registered with a DataView type.");
    }

    private static DataViewTypeAttribute Single(Type type, IEnumerable<Attribute> attributes)
    {
        var found = attributes?.OfType<DataViewTypeAttribute>().ToArray() ?? [];
        return found.Length <= 1
            ? found.SingleOrDefault()
            : throw Contracts.ExceptParam(nameof(type), $"Type {type.Name} is marked with more than one {nameof(DataViewTypeAttribute)}: {string.Join<object>(", ", found)}.");
    }
}
