using System.Collections.Immutable;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A vector or tensor of primitive values, carried as <see cref="VBuffer{T}"/> in row-major order.</summary>
public sealed class VectorDataViewType : StructuredDataViewType
{
    /// <summary>Creates a one-dimensional type.</summary>
    /// <param name="itemType">Type of the items.</param>
    /// <param name="size">Number of items; 0 where it differs from row to row.</param>
    public VectorDataViewType(PrimitiveDataViewType itemType, int size = 0) : base(VBufferOf(itemType))
    {
        Contracts.CheckParam(size >= 0, nameof(size));
        ItemType = itemType;
        Dimensions = [size];
        Size = size;
    }

    /// <summary>Creates a type with several dimensions.</summary>
    /// <param name="itemType">Type of the items.</param>
    /// <param name="dimensions">At least one; 0 for a dimension that differs from row to row.</param>
    public VectorDataViewType(PrimitiveDataViewType itemType, params int[] dimensions)
        : this(itemType, dimensions is null ? [] : ImmutableArray.Create(dimensions))
    {
    }

    /// <summary>Creates a type with several dimensions; as the constructor with an array.</summary>
    public VectorDataViewType(PrimitiveDataViewType itemType, ImmutableArray<int> dimensions) : base(VBufferOf(itemType))
    {
        Contracts.CheckParam(dimensions.Length > 0, nameof(dimensions));
        Contracts.CheckParam(dimensions.All(d => d >= 0), nameof(dimensions));
        ItemType = itemType;
        Dimensions = dimensions;
        Size = dimensions.Aggregate(1, (size, d) => checked(size * d));
    }

    /// <summary>The dimensions, outermost first.</summary>
    public ImmutableArray<int> Dimensions { get; }

    /// <summary>Type of the items.</summary>
    public PrimitiveDataViewType ItemType { get; }

    /// <summary>Product of the dimensions; 0 where the size differs from row to row.</summary>
    public int Size { get; }

    /// <summary>Whether every row has the same size.</summary>
    public bool IsKnownSize => Size > 0;

    private static Type VBufferOf(PrimitiveDataViewType itemType)
    {
        Contracts.CheckValue(itemType, nameof(itemType));
        return typeof(VBuffer<>).MakeGenericType(itemType.RawType);
    }

    /// <inheritdoc/>
    public override bool Equals(DataViewType other)
        => other is VectorDataViewType vector && vector.ItemType.Equals(ItemType) && vector.Dimensions.AsSpan().SequenceEqual(Dimensions.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object other) => other is DataViewType type && Equals(type);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(ItemType);
        foreach (int d in Dimensions)
            hash.Add(d);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (Dimensions.Length == 1)
            return Size > 0 ? $"Vector<{ItemType}, {Size}>" : $"Vector<{ItemType}>";
        return $"Vector<{ItemType}, {string.Join(", ", Dimensions.Select(d => d > 0 ? d.ToString() : "*"))}>";
    }
}
