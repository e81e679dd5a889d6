using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Internal.Utilities;

namespace Microsoft.ML.Data;

/// <summary>Writes and reads values of standard column types, vectors included.</summary>
internal static class ValueFile
{
    public static void Write<T>(BinaryWriter writer, T value)
    {
        if (IsVector(typeof(T), out var itemType))
            Generic.Invoke(WriteVector<int>, itemType, writer, value);
        else if (value is ReadOnlyMemory<char> text)
            writer.Write(text.ToString());
        else
            writer.Write(Bytes(ref value));
    }

    public static T Read<T>(BinaryReader reader)
    {
        if (IsVector(typeof(T), out var itemType))
            return (T)Generic.Invoke(ReadVector<int>, itemType, reader);
        if (typeof(T) == typeof(ReadOnlyMemory<char>))
            return (T)(object)reader.ReadString().AsMemory();
        T value = default;
        reader.BaseStream.ReadExactly(Bytes(ref value));
        return value;
    }

    /// <summary>A getter of a fixed value.</summary>
    public static Delegate CreateGetter<T>(T value) => IsVector(typeof(T), out var itemType)
        ? (Delegate)Generic.Invoke(CreateVectorGetter<int>, itemType, value)
        : (ValueGetter<T>)((ref T dst) => dst = value);

    private static bool IsVector(Type type, out Type itemType)
    {
        bool isVector = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>);
        itemType = isVector ? type.GetGenericArguments()[0] : null;
        return isVector;
    }

    private static void WriteVector<T>(BinaryWriter writer, VBuffer<T> value)
    {
        writer.Write(value.Length);
        writer.Write(value.GetValues().Length);
        foreach (int index in value.GetIndices())
            writer.Write(index);
        foreach (var item in value.GetValues())
            Write(writer, item);
    }

    private static VBuffer<T> ReadVector<T>(BinaryReader reader)
    {
        int length = reader.ReadInt32();
        int count = reader.ReadInt32();
        int[] indices = count < length ? new int[count] : null;
        for (int i = 0; i < indices?.Length; i++)
            indices[i] = reader.ReadInt32();
        var values = new T[count];
        for (int i = 0; i < count; i++)
            values[i] = Read<T>(reader);
        return new VBuffer<T>(length, count, values, indices);
    }

    private static Delegate CreateVectorGetter<T>(VBuffer<T> value)
    {
        ValueGetter<VBuffer<T>> getter = (ref VBuffer<T> dst) => value.CopyTo(ref dst);
        return getter;
    }

    // All other standard types hold no references.
    private static Span<byte> Bytes<T>(ref T value) => MemoryMarshal.CreateSpan(ref Unsafe.As<T, byte>(ref value), Unsafe.SizeOf<T>());
}
