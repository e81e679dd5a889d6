using Microsoft.ML.Data;
using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <inheritdoc/>
internal sealed class TermMap<T> : TermMap
{
    private readonly T[] _terms;
    private readonly Dictionary<T, uint> _keys;

    public TermMap(PrimitiveDataViewType itemType, T[] terms) : base(itemType, terms.Length)
    {
        _terms = terms;
        _keys = new Dictionary<T, uint>(terms.Length, PrimitiveValues.GetEqualityComparer<T>());
        foreach (T term in terms)
            Contracts.CheckDecode(_keys.TryAdd(term, (uint)_keys.Count + 1), "A value has two keys.");
    }

    public override Delegate MakeGetter(DataViewRow input, DataViewSchema.Column source)
        => source.Type is VectorDataViewType vector ? MakeVectorGetter(input, source, vector) : MakeScalarGetter(input, source);

    public override void AddKeyValues(DataViewSchema.Annotations.Builder builder, DataViewSchema.Column source, bool asText)
    {
        if (Count == 0)
            return;
        if (ItemType is KeyDataViewType key
            && source.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is VectorDataViewType values
            && (ulong)values.Size == key.Count)
        {
            Generic.Invoke(AddValuesOfKeys<int>, values.ItemType.RawType, builder, source, values.ItemType, asText);
        }
        else
        {
            AddKeyValues(builder, ItemType, () => _terms, asText);
        }
    }

    public override void Save(BinaryWriter writer)
    {
        DataViewTypeFile.Write(writer, ItemType);
        ArrayFile.Write<T>(writer, _terms);
    }

    private uint Map(in T value) => _keys.GetValueOrDefault(value);

    private ValueGetter<uint> MakeScalarGetter(DataViewRow input, DataViewSchema.Column source)
    {
        ValueGetter<T> getter = input.GetGetter<T>(source);
        T value = default;
        return (ref uint key) =>
        {
            getter(ref value);
            key = Map(value);
        };
    }

    private ValueGetter<VBuffer<uint>> MakeVectorGetter(DataViewRow input, DataViewSchema.Column source, VectorDataViewType type)
    {
        ValueGetter<VBuffer<T>> getter = input.GetGetter<VBuffer<T>>(source);
        VBuffer<T> values = default, dense = default;
        bool keepsZeros = Map(default) == 0;
        return (ref VBuffer<uint> keys) =>
        {
            getter(ref values);
            if (type.IsKnownSize && values.Length != type.Size)
                throw Contracts.Except($"Column '{source.Name}': expected {type.Size} slots, but got {values.Length}.");
            if (!values.IsDense && !keepsZeros)
            {
                values.CopyToDense(ref dense);
                (values, dense) = (dense, values);
            }
            var editor = VBufferEditor.Create(ref keys, values.Length, values.GetValues().Length);
            values.GetIndices().CopyTo(editor.Indices);
            for (int i = 0; i < editor.Values.Length; i++)
                editor.Values[i] = Map(values.GetValues()[i]);
            keys = editor.Commit();
        };
    }

    // Keys of keys stand for what the first keys stand for.
    private void AddValuesOfKeys<TValue>(DataViewSchema.Annotations.Builder builder, DataViewSchema.Column source, PrimitiveDataViewType valueType, bool asText)
    {
        AddKeyValues(builder, valueType, Select, asText);

        TValue[] Select()
        {
            VBuffer<TValue> values = default;
            source.GetKeyValues(ref values);
            return Array.ConvertAll(_terms, term => values.GetItemOrDefault(checked((int)(Convert.ToUInt64(term) - 1))));
        }
    }

    private static void AddKeyValues<TValue>(DataViewSchema.Annotations.Builder builder, PrimitiveDataViewType type, Func<TValue[]> getValues, bool asText)
    {
        TValue[] values = getValues();
        if (asText && type is not TextDataViewType)
        {
            string[] texts = Array.ConvertAll(values, value => PrimitiveValues.ToText(value));
            AddKeyValues(builder, TextDataViewType.Instance, () => Array.ConvertAll(texts, text => text.AsMemory()), asText: false);
            return;
        }
        builder.AddKeyValues(values.Length, type, (ref VBuffer<TValue> dst) => VBuffer<TValue>.Copy(values, 0, ref dst, values.Length));
    }
}
