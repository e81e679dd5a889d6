namespace Microsoft.ML.Data;

/// <summary>The type of a column: what its values are, and the .NET type (<see cref="RawType"/>) that carries them.</summary>
public abstract class DataViewType : IEquatable<DataViewType>
{
    private protected DataViewType(Type rawType)
    {
        ArgumentNullException.ThrowIfNull(rawType);
        RawType = rawType;
    }

    /// <summary>The .NET type of a value. A getter of a column must be asked for with exactly this type.</summary>
    public Type RawType { get; }

    /// <summary>Whether both types describe the same values.</summary>
    public abstract bool Equals(DataViewType other);
}

/// <summary>A type whose values have parts or own resources: vectors, images.</summary>
public abstract class StructuredDataViewType : DataViewType
{
    /// <summary>Creates the type for values of <paramref name="rawType"/>.</summary>
    protected StructuredDataViewType(Type rawType) : base(rawType)
    {
    }
}

/// <summary>A type whose values are independent of each other after plain assignment. Only such types can be vector items.</summary>
public abstract class PrimitiveDataViewType : DataViewType
{
    /// <summary>Creates the type for values of <paramref name="rawType"/>.</summary>
    /// <exception cref="ArgumentException">The raw type is disposable: assignment would share what one of the owners frees.</exception>
    protected PrimitiveDataViewType(Type rawType) : base(rawType)
    {
        if (typeof(IDisposable).IsAssignableFrom(rawType))
            throw new ArgumentException($"A {nameof(PrimitiveDataViewType)} needs a {nameof(RawType)} that is not disposable, but got {rawType}.", nameof(rawType));
    }
}
