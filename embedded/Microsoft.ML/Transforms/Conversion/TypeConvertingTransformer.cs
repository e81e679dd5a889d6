using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(TypeConvertingTransformer), null, typeof(SignatureLoadModel), "Convert Transform", TypeConvertingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Converts columns to floating point. Made by <see cref="TypeConvertingEstimator"/>.</summary>
public sealed class TypeConvertingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ConvertTransform";

    private readonly DataKind _outputKind;

    internal TypeConvertingTransformer(IHostEnvironment env, DataKind outputKind, params (string outputColumnName, string inputColumnName)[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(TypeConvertingTransformer)), columns)
    {
        Host.CheckParam(outputKind is DataKind.Single or DataKind.Double, nameof(outputKind),
            $"Conversion to {outputKind} isn't supported here; {nameof(DataKind.Single)} and {nameof(DataKind.Double)} are.");
        _outputKind = outputKind;
    }

    private TypeConvertingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        _outputKind = (DataKind)ctx.Reader.ReadByte();
        host.CheckDecode(_outputKind is DataKind.Single or DataKind.Double);
    }

    internal NumberDataViewType OutputType => _outputKind == DataKind.Single ? NumberDataViewType.Single : NumberDataViewType.Double;

    private static VersionInfo VersionInfo => new("CONVERTF", 0x00010001, 0x00010001, 0x00010001,
        typeof(TypeConvertingTransformer).Assembly.FullName, LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
        ctx.Writer.Write((byte)_outputKind);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private static TypeConvertingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new TypeConvertingTransformer(env.Register(nameof(TypeConvertingTransformer)), ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        if (!FloatConversion.CanConvert(source.Type.GetItemType()))
        {
            throw Host.ExceptParam(nameof(inputSchema),
                $"source column '{source.Name}' with item type '{source.Type}' is not compatible with destination type '{OutputType}'");
        }
    }

    private sealed class Mapper(TypeConvertingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
            => parent.ColumnPairs.Select((pair, i) => MakeColumn(pair.outputColumnName, InputSchema[ColMapNewToOld[i]])).ToArray();

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = InputSchema[ColMapNewToOld[iinfo]];
            Type from = source.Type.GetItemType().RawType;
            return parent.OutputType == NumberDataViewType.Single
                ? MakeGetter(input, source, [from, typeof(float)], (Func<double, float>)(value => (float)value))
                : MakeGetter(input, source, [from, typeof(double)], (Func<double, double>)(value => value));
        }

        private DataViewSchema.DetachedColumn MakeColumn(string name, DataViewSchema.Column source)
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames && source.Type.IsKnownSizeVector()
                || kind == AnnotationUtils.Kinds.IsNormalized && source.Type.GetItemType() is NumberDataViewType);
            if (source.Type is BooleanDataViewType)
                annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(parent.OutputType, vector.Dimensions) : parent.OutputType;
            return new DataViewSchema.DetachedColumn(name, type, annotations.ToAnnotations());
        }

        private static Delegate MakeGetter(DataViewRow input, DataViewSchema.Column source, Type[] types, Delegate round)
            => (Delegate)(source.Type is VectorDataViewType
                ? Generic.Invoke(MakeVectorGetter<int, int>, types, input, source, round)
                : Generic.Invoke(MakeScalarGetter<int, int>, types, input, source, round));

        private static ValueGetter<TTo> MakeScalarGetter<TFrom, TTo>(DataViewRow input, DataViewSchema.Column source, Func<double, TTo> round)
        {
            ValueGetter<TFrom> getter = input.GetGetter<TFrom>(source);
            TFrom value = default;
            return (ref TTo dst) =>
            {
                getter(ref value);
                dst = round(FloatConversion.ToDouble(value));
            };
        }

        // Every convertible type's default becomes 0, so vectors stay as sparse as they are.
        private static ValueGetter<VBuffer<TTo>> MakeVectorGetter<TFrom, TTo>(DataViewRow input, DataViewSchema.Column source, Func<double, TTo> round)
        {
            ValueGetter<VBuffer<TFrom>> getter = input.GetGetter<VBuffer<TFrom>>(source);
            VBuffer<TFrom> vector = default;
            return (ref VBuffer<TTo> dst) =>
            {
                getter(ref vector);
                ReadOnlySpan<TFrom> values = vector.GetValues();
                var editor = VBufferEditor.Create(ref dst, vector.Length, values.Length);
                vector.GetIndices().CopyTo(editor.Indices);
                for (int i = 0; i < values.Length; i++)
                    editor.Values[i] = round(FloatConversion.ToDouble(values[i]));
                dst = editor.Commit();
            };
        }
    }
}
