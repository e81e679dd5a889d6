using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(KeyToValueMappingTransformer), null, typeof(SignatureLoadModel), "Key To Value Transform", KeyToValueMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Maps keys to the values that they stand for. Made by <see cref="KeyToValueMappingEstimator"/>.</summary>
public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";

    internal KeyToValueMappingTransformer(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(KeyToValueMappingTransformer)), columns)
    {
    }

    private KeyToValueMappingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
    }

    private static VersionInfo VersionInfo => new("KEY2VALT", 0x00010001, 0x00010001, 0x00010001,
        typeof(KeyToValueMappingTransformer).Assembly.FullName, LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private static KeyToValueMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new KeyToValueMappingTransformer(env.Register(nameof(KeyToValueMappingTransformer)), ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        VectorDataViewType type = KeyValuesType(source);
        Host.Check(type != null, $"Metadata KeyValues does not exist for column '{source.Name}'");
        Host.Check((ulong)type.Size == source.Type.GetItemType().GetKeyCount(),
            $"KeyValues metadata size does not match column type key count of column '{source.Name}'");
    }

    private static VectorDataViewType KeyValuesType(DataViewSchema.Column source)
        => source.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type as VectorDataViewType;

    private sealed class Mapper(KeyToValueMappingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
            => parent.ColumnPairs.Select((pair, i) => MakeColumn(pair.outputColumnName, InputSchema[ColMapNewToOld[i]])).ToArray();

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = InputSchema[ColMapNewToOld[iinfo]];
            Type[] types = [source.Type.GetItemType().RawType, KeyValuesType(source).ItemType.RawType];
            return (Delegate)(source.Type is VectorDataViewType
                ? Generic.Invoke(MakeVectorGetter<int, int>, types, input, source)
                : Generic.Invoke(MakeScalarGetter<int, int>, types, input, source));
        }

        private static DataViewSchema.DetachedColumn MakeColumn(string name, DataViewSchema.Column source)
        {
            PrimitiveDataViewType item = KeyValuesType(source).ItemType;
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(item, vector.Dimensions) : item;
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
            return new DataViewSchema.DetachedColumn(name, type, annotations.ToAnnotations());
        }

        private static ValueGetter<TValue> MakeScalarGetter<TKey, TValue>(DataViewRow input, DataViewSchema.Column source)
        {
            TValue[] values = GetValues<TValue>(source);
            TValue missing = PrimitiveValues.GetMissing<TValue>();
            ValueGetter<TKey> getter = input.GetGetter<TKey>(source);
            TKey key = default;
            return (ref TValue dst) =>
            {
                getter(ref key);
                dst = Map(key, values, missing);
            };
        }

        private static ValueGetter<VBuffer<TValue>> MakeVectorGetter<TKey, TValue>(DataViewRow input, DataViewSchema.Column source)
        {
            TValue[] values = GetValues<TValue>(source);
            TValue missing = PrimitiveValues.GetMissing<TValue>();
            ValueGetter<VBuffer<TKey>> getter = input.GetGetter<VBuffer<TKey>>(source);
            VBuffer<TKey> keys = default;
            return (ref VBuffer<TValue> dst) =>
            {
                getter(ref keys);
                var editor = VBufferEditor.Create(ref dst, keys.Length);
                editor.Values.Fill(missing);
                ReadOnlySpan<int> slots = keys.GetIndices();
                ReadOnlySpan<TKey> present = keys.GetValues();
                for (int i = 0; i < present.Length; i++)
                    editor.Values[keys.IsDense ? i : slots[i]] = Map(present[i], values, missing);
                dst = editor.Commit();
            };
        }

        private static TValue Map<TKey, TValue>(TKey key, TValue[] values, TValue missing)
        {
            ulong number = key switch
            {
                byte k => k,
                ushort k => k,
                uint k => k,
                ulong k => k,
                _ => 0,
            };
            return number is > 0 && number <= (ulong)values.Length ? values[number - 1] : missing;
        }

        private static TValue[] GetValues<TValue>(DataViewSchema.Column source)
        {
            VBuffer<TValue> values = default;
            source.GetKeyValues(ref values);
            return values.DenseValues().ToArray();
        }
    }
}
