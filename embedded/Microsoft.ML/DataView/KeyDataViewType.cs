using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// A category out of <see cref="Count"/>. Raw value 0 means missing, raw value k (1 to Count) is the category k - 1.
/// </summary>
public sealed class KeyDataViewType : PrimitiveDataViewType
{
    /// <summary>Creates a key type.</summary>
    /// <param name="type">byte, ushort, uint or ulong.</param>
    /// <param name="count">Number of categories, 1 to the type's largest value.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another type, or a count out of range.</exception>
    public KeyDataViewType(Type type, ulong count) : base(type)
    {
        if (!IsValidDataType(type))
            throw Contracts.ExceptParam(nameof(type), $"A key is carried by Byte, UInt16, UInt32 or UInt64, but got {type.Name}.");
        if (count == 0 || count > MaxCount(type))
            throw Contracts.ExceptParam(nameof(count), $"The cardinality of a {nameof(KeyDataViewType)} over {type.Name} must be from 1 to {MaxCount(type)}, but got {count}.");
        Count = count;
    }

    /// <summary>Creates a key type; as the other constructor, with a signed count.</summary>
    public KeyDataViewType(Type type, int count) : this(type, (ulong)count)
        => Contracts.CheckParam(count > 0, nameof(count), $"The cardinality of a {nameof(KeyDataViewType)} must be strictly positive.");

    /// <summary>Number of categories.</summary>
    public ulong Count { get; }

    /// <summary>Whether values of the type can carry keys.</summary>
    public static bool IsValidDataType(Type type) => MaxCount(type) > 0;

    private static ulong MaxCount(Type type) => Type.GetTypeCode(type) switch
    {
        _ when type is { IsEnum: true } => 0,
        TypeCode.Byte => byte.MaxValue,
        TypeCode.UInt16 => ushort.MaxValue,
        TypeCode.UInt32 => uint.MaxValue,
        TypeCode.UInt64 => ulong.MaxValue,
        _ => 0,
    };

    /// <inheritdoc/>
    public override bool Equals(DataViewType other) => other is KeyDataViewType key && key.RawType == RawType && key.Count == Count;

    /// <inheritdoc/>
    public override bool Equals(object other) => other is DataViewType type && Equals(type);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(RawType, Count);

    /// <inheritdoc/>
    public override string ToString() => $"Key<{RawType.Name}, 0-{Count - 1}>";
}
