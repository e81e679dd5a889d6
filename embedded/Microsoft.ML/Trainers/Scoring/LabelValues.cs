using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>What the classes of a label column are called: its key values at the time of training.</summary>
internal abstract class LabelValues
{
    /// <summary>The type of the values.</summary>
    public abstract PrimitiveDataViewType Type { get; }

    /// <summary>The number of values.</summary>
    public abstract int Count { get; }

    /// <summary>Annotates a column with them.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder builder, string kind);

    /// <summary>Writes them.</summary>
    public abstract void Save(BinaryWriter writer);

    /// <summary>The key values of a column; null if it has none.</summary>
    public static LabelValues Of(DataViewSchema.Column column)
    {
        if (column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is not VectorDataViewType type)
            return null;
        return (LabelValues)Generic.Invoke(OfType<int>, type.ItemType.RawType, column, type.ItemType);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public static LabelValues Load(BinaryReader reader)
    {
        PrimitiveDataViewType type = ArrayFile.ReadType(reader);
        return (LabelValues)Generic.Invoke(LoadOfType<int>, type.RawType, reader, type);
    }

    private static LabelValues OfType<T>(DataViewSchema.Column column, PrimitiveDataViewType type)
    {
        VBuffer<T> values = default;
        column.GetKeyValues(ref values);
        return new Typed<T>(type, values.DenseValues().ToArray());
    }

    private static LabelValues LoadOfType<T>(BinaryReader reader, PrimitiveDataViewType type)
    {
        T[] values = ArrayFile.Read<T>(reader);
        Contracts.CheckDecode(values.Length > 0);
        return new Typed<T>(type, values);
    }

    private sealed class Typed<T>(PrimitiveDataViewType type, T[] values) : LabelValues
    {
        public override PrimitiveDataViewType Type => type;

        public override int Count => values.Length;

        public override void AddTo(DataViewSchema.Annotations.Builder builder, string kind)
            => builder.Add(kind, new VectorDataViewType(type, values.Length),
                (ref VBuffer<T> dst) => VBuffer<T>.Copy(values, 0, ref dst, values.Length));

        public override void Save(BinaryWriter writer)
        {
            DataViewTypeFile.Write(writer, type);
            ArrayFile.Write<T>(writer, values);
        }
    }
}
