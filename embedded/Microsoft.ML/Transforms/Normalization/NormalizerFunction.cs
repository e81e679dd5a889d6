using System.Numerics;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>What a normalizer does to the slots of a column.</summary>
internal abstract class NormalizerFunction
{
    /// <summary>The getter of the normalized column.</summary>
    public abstract Delegate MakeGetter(DataViewRow input, DataViewSchema.Column source);

    /// <summary>The parameters for those who want to read them.</summary>
    /// <param name="isVector">Whether they are wanted as arrays.</param>
    public abstract NormalizingTransformer.NormalizerModelParametersBase GetModelParameters(bool isVector);

    /// <summary>Writes the parameters.</summary>
    public abstract void Save(BinaryWriter writer);

    /// <summary>Reads what <see cref="Save"/> wrote for a column of the given type.</summary>
    public static NormalizerFunction Load(BinaryReader reader, DataViewType type)
        => type.GetItemType() == NumberDataViewType.Single ? Load<float>(reader, type.GetValueCount()) : Load<double>(reader, type.GetValueCount());

    private static NormalizerFunction Load<T>(BinaryReader reader, int size) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool isCdf = reader.ReadBoolean();
        T[] first = ArrayFile.Read<T>(reader);
        T[] second = ArrayFile.Read<T>(reader);
        Contracts.CheckDecode(first.Length == size && (second.Length == size || (!isCdf && second.Length == 0)));
        return isCdf ? new CdfNormalizerFunction<T>(first, second) : new AffineNormalizerFunction<T>(first, second);
    }
}

/// <inheritdoc/>
/// <typeparam name="T">The type of the values.</typeparam>
internal abstract class NormalizerFunction<T> : NormalizerFunction where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The number of slots.</summary>
    protected abstract int Length { get; }

    /// <summary>Whether slots without explicit value stay as they are.</summary>
    protected abstract bool KeepsSparse { get; }

    public sealed override Delegate MakeGetter(DataViewRow input, DataViewSchema.Column source)
        => source.Type is VectorDataViewType ? MakeVectorGetter(input, source) : MakeScalarGetter(input, source);

    /// <summary>A value of a slot, normalized.</summary>
    protected abstract T Map(int slot, T value);

    /// <summary>Writes the parameters: two for each slot.</summary>
    protected static void Save(BinaryWriter writer, bool isCdf, T[] first, T[] second)
    {
        writer.Write(isCdf);
        ArrayFile.Write<T>(writer, first);
        ArrayFile.Write<T>(writer, second);
    }

    private ValueGetter<T> MakeScalarGetter(DataViewRow input, DataViewSchema.Column source)
    {
        ValueGetter<T> getter = input.GetGetter<T>(source);
        return (ref T dst) =>
        {
            getter(ref dst);
            dst = Map(0, dst);
        };
    }

    private ValueGetter<VBuffer<T>> MakeVectorGetter(DataViewRow input, DataViewSchema.Column source)
    {
        ValueGetter<VBuffer<T>> getter = input.GetGetter<VBuffer<T>>(source);
        VBuffer<T> vector = default, dense = default;
        return (ref VBuffer<T> dst) =>
        {
            getter(ref vector);
            if (vector.Length != Length)
                throw Contracts.Except($"Normalizer expected {Length} slots but got {vector.Length} in column '{source.Name}'");
            if (!vector.IsDense && !KeepsSparse)
            {
                vector.CopyToDense(ref dense);
                (vector, dense) = (dense, vector);
            }
            ReadOnlySpan<T> values = vector.GetValues();
            ReadOnlySpan<int> slots = vector.GetIndices();
            var editor = VBufferEditor.Create(ref dst, Length, values.Length);
            slots.CopyTo(editor.Indices);
            for (int i = 0; i < values.Length; i++)
                editor.Values[i] = Map(vector.IsDense ? i : slots[i], values[i]);
            dst = editor.Commit();
        };
    }
}
