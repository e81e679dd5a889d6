using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Writes arrays of values into a saved model, and reads them back.</summary>
internal static class ArrayFile
{
    /// <summary>Writes values of a standard type with their number.</summary>
    public static void Write<T>(BinaryWriter writer, ReadOnlySpan<T> values)
    {
        writer.Write(values.Length);
        foreach (T value in values)
            ValueFile.Write(writer, value);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static T[] Read<T>(BinaryReader reader)
    {
        int count = reader.ReadInt32();
        Contracts.CheckDecode(count >= 0);
        // A corrupt count must not allocate what the stream can't hold.
        var values = new List<T>(Math.Min(count, 1 << 16));
        for (int i = 0; i < count; i++)
            values.Add(ValueFile.Read<T>(reader));
        return values.ToArray();
    }

    /// <summary>Reads the type of the values, written with <see cref="DataViewTypeFile"/>.</summary>
    public static PrimitiveDataViewType ReadType(BinaryReader reader)
    {
        var type = DataViewTypeFile.Read(reader) as PrimitiveDataViewType;
        Contracts.CheckDecode(type != null);
        return type;
    }
}
