using Microsoft.ML.Data;
using Microsoft.ML.Internal.Utilities;

namespace Microsoft.ML.Transforms;

/// <summary>The values that have a key, in the order of their keys.</summary>
internal abstract class TermMap
{
    private protected TermMap(PrimitiveDataViewType itemType, int count)
    {
        ItemType = itemType;
        Count = count;
        // A key type can't have no keys at all.
        OutputType = new KeyDataViewType(typeof(uint), Math.Max(count, 1));
    }

    /// <summary>The type of the values.</summary>
    public PrimitiveDataViewType ItemType { get; }

    /// <summary>The number of values.</summary>
    public int Count { get; }

    /// <summary>The type of the keys.</summary>
    public KeyDataViewType OutputType { get; }

    /// <summary>The getter of the keys (a vector of them) of a column of <see cref="ItemType"/> (a vector of them).</summary>
    public abstract Delegate MakeGetter(DataViewRow input, DataViewSchema.Column source);

    /// <summary>Annotates a key column with what its keys stand for.</summary>
    /// <param name="builder">Takes the annotation.</param>
    /// <param name="source">The column that is mapped; where it has keys itself, what those stand for is handed on.</param>
    /// <param name="asText">Write values of other types as text.</param>
    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder builder, DataViewSchema.Column source, bool asText);

    /// <summary>Writes the values.</summary>
    public abstract void Save(BinaryWriter writer);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public static TermMap Load(BinaryReader reader)
    {
        PrimitiveDataViewType type = ArrayFile.ReadType(reader);
        return (TermMap)Generic.Invoke(Load<int>, type.RawType, reader, type);
    }

    private static TermMap Load<T>(BinaryReader reader, PrimitiveDataViewType type) => new TermMap<T>(type, ArrayFile.Read<T>(reader));
}
