namespace Microsoft.ML.Data;

/// <summary>Put on a member of a row class, it says which column type the member's .NET type stands for, and can register it.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = false, Inherited = true)]
public abstract class DataViewTypeAttribute : Attribute, IEquatable<DataViewTypeAttribute>
{
    /// <summary>Registers the pair with <see cref="DataViewTypeManager"/>. Called whenever a row class with the attribute is read.</summary>
    public abstract void Register();

    /// <summary>Whether both attributes stand for the same column type.</summary>
    public abstract bool Equals(DataViewTypeAttribute other);
}
