using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(NormalizingTransformer), null, typeof(SignatureLoadModel), "Normalizer", NormalizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Brings slots to a common scale. Made by <see cref="NormalizingEstimator"/>.</summary>
public sealed partial class NormalizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "Normalizer";

    private readonly DataViewType[] _types;
    private readonly NormalizerFunction[] _functions;

    private NormalizingTransformer(IHost host, (string, string)[] columns, DataViewType[] types, NormalizerFunction[] functions) : base(host, columns)
    {
        _types = types;
        _functions = functions;
    }

    private NormalizingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        _types = new DataViewType[ColumnPairs.Length];
        _functions = new NormalizerFunction[ColumnPairs.Length];
        for (int i = 0; i < _types.Length; i++)
        {
            _types[i] = DataViewTypeFile.Read(ctx.Reader);
            host.CheckDecode(IsSupported(_types[i]));
            _functions[i] = NormalizerFunction.Load(ctx.Reader, _types[i]);
        }
    }

    private static VersionInfo VersionInfo => new("NORMALZR", 0x00010001, 0x00010001, 0x00010001,
        typeof(NormalizingTransformer).Assembly.FullName, LoaderSignature);

    /// <summary>What was learnt for the column pair of that index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such pair.</exception>
    public NormalizerModelParametersBase GetNormalizerModelParameters(int index)
    {
        Host.CheckUserArg(index >= 0 && index < _functions.Length, nameof(index), $"Valid range is from 0 (inclusive) to {_functions.Length} (exclusive) but got {index}.");
        return _functions[index].GetModelParameters(_types[index] is VectorDataViewType);
    }

    internal static NormalizingTransformer Train(IHostEnvironment env, IDataView input, NormalizingEstimator.ColumnOptions[] options)
    {
        IHost host = env.Register(nameof(NormalizingTransformer));
        var columns = Array.ConvertAll(options, option =>
        {
            DataViewSchema.Column column = input.Schema.GetColumnOrNull(option.InputColumnName)
                ?? throw host.ExceptSchemaMismatch(nameof(input), "input", option.InputColumnName);
            CheckType(host, column);
            return column;
        });
        using DataViewRowCursor cursor = input.GetRowCursor(columns);
        NormalizerBuilder[] builders = columns.Zip(options, (column, option) => NormalizerBuilder.Create(cursor, column, option)).ToArray();
        var unfinished = builders.ToList();
        while (unfinished.Count > 0 && cursor.MoveNext())
            unfinished.RemoveAll(builder => !builder.ProcessRow());
        return new NormalizingTransformer(host, Array.ConvertAll(options, option => (option.OutputColumnName, option.InputColumnName)),
            Array.ConvertAll(columns, column => column.Type), Array.ConvertAll(builders, builder => builder.Finish()));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
        for (int i = 0; i < _types.Length; i++)
        {
            DataViewTypeFile.Write(ctx.Writer, _types[i]);
            _functions[i].Save(ctx.Writer);
        }
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private static NormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new NormalizingTransformer(env.Register(nameof(NormalizingTransformer)), ctx);
    }

    private static void CheckType(IHost host, DataViewSchema.Column column)
    {
        if (!IsSupported(column.Type))
            throw host.ExceptSchemaMismatch("inputSchema", "input", column.Name, "scalar or known-size vector of Single or Double", column.Type.ToString());
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        CheckType(Host, source);
        if (!source.Type.SameSizeAndItemType(_types[col]))
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, _types[col].ToString(), source.Type.ToString());
    }

    private static bool IsSupported(DataViewType type)
    {
        DataViewType item = type.GetItemType();
        return (item == NumberDataViewType.Single || item == NumberDataViewType.Double) && type.GetValueCount() > 0;
    }

    private sealed class Mapper(NormalizingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore() => parent.ColumnPairs.Select((pair, i) =>
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
            annotations.Add(InputSchema[ColMapNewToOld[i]].Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
            return new DataViewSchema.DetachedColumn(pair.outputColumnName, parent._types[i], annotations.ToAnnotations());
        }).ToArray();

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            return parent._functions[iinfo].MakeGetter(input, InputSchema[ColMapNewToOld[iinfo]]);
        }
    }
}
