using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ValueToKeyMappingTransformer), null, typeof(SignatureLoadModel), "Term Transform", ValueToKeyMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Maps values to their numbers in a dictionary. Made by <see cref="ValueToKeyMappingEstimator"/>.</summary>
public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";

    private readonly TermMap[] _maps;
    private readonly bool[] _asText;

    private ValueToKeyMappingTransformer(IHost host, (string, string)[] columns, TermMap[] maps, bool[] asText) : base(host, columns)
    {
        _maps = maps;
        _asText = asText;
    }

    private ValueToKeyMappingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        _maps = new TermMap[ColumnPairs.Length];
        _asText = new bool[ColumnPairs.Length];
        for (int i = 0; i < _maps.Length; i++)
        {
            _asText[i] = ctx.Reader.ReadBoolean();
            _maps[i] = TermMap.Load(ctx.Reader);
        }
    }

    private static VersionInfo VersionInfo => new("TERMTRNF", 0x00010001, 0x00010001, 0x00010001,
        typeof(ValueToKeyMappingTransformer).Assembly.FullName, LoaderSignature);

    internal static ValueToKeyMappingTransformer Train(
        IHostEnvironment env, IDataView input, ValueToKeyMappingEstimator.ColumnOptions[] options, IDataView keyData)
    {
        IHost host = env.Register(nameof(ValueToKeyMappingTransformer));
        var columns = Array.ConvertAll(options, option =>
        {
            DataViewSchema.Column column = input.Schema.GetColumnOrNull(option.InputColumnName)
                ?? throw host.ExceptSchemaMismatch(nameof(input), "input", option.InputColumnName);
            CheckType(host, column);
            return column;
        });
        TermMap[] maps = keyData == null ? Learn(host, input, columns, options) : Take(host, keyData, columns, options);
        return new ValueToKeyMappingTransformer(host,
            Array.ConvertAll(options, o => (o.OutputColumnName, o.InputColumnName)), maps, Array.ConvertAll(options, o => o.AddKeyValueAnnotationsAsText));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
        for (int i = 0; i < _maps.Length; i++)
        {
            ctx.Writer.Write(_asText[i]);
            _maps[i].Save(ctx.Writer);
        }
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private static ValueToKeyMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new ValueToKeyMappingTransformer(env.Register(nameof(ValueToKeyMappingTransformer)), ctx);
    }

    // One pass over the data for all columns.
    private static TermMap[] Learn(IHost host, IDataView input, DataViewSchema.Column[] columns, ValueToKeyMappingEstimator.ColumnOptions[] options)
    {
        foreach (var option in options)
            host.CheckUserArg(option.MaximumNumberOfKeys > 0, nameof(option.MaximumNumberOfKeys), "Must be positive");

        using IChannel ch = host.Start("Training");
        TermMapBuilder[] builders;
        using (DataViewRowCursor cursor = input.GetRowCursor(columns))
        {
            builders = columns.Zip(options, (column, option) => TermMapBuilder.Create(
                cursor, column, option.MaximumNumberOfKeys, option.KeyOrdinality == ValueToKeyMappingEstimator.KeyOrdinality.ByValue)).ToArray();
            var unfinished = builders.ToList();
            while (unfinished.Count > 0 && cursor.MoveNext())
                unfinished.RemoveAll(builder => !builder.ProcessRow());
        }
        for (int i = 0; i < builders.Length; i++)
        {
            if (builders[i].Count == 0)
                ch.Warning($"Column '{options[i].InputColumnName}' has no value to map: every key of '{options[i].OutputColumnName}' will be missing.");
        }
        return Array.ConvertAll(builders, builder => builder.Finish());
    }

    // The values are given: one dictionary for all columns.
    private static TermMap[] Take(IHost host, IDataView keyData, DataViewSchema.Column[] columns, ValueToKeyMappingEstimator.ColumnOptions[] options)
    {
        DataViewSchema.Column keyColumn = keyData.Schema[0];
        foreach (DataViewSchema.Column column in columns)
        {
            if (!column.Type.GetItemType().Equals(keyColumn.Type))
            {
                throw host.ExceptUserArg(nameof(keyData),
                    $"The values to map must be of the type '{column.Type.GetItemType()}' of column '{column.Name}', but they are '{keyColumn.Type}'.");
            }
        }
        using DataViewRowCursor cursor = keyData.GetRowCursor(keyColumn);
        TermMapBuilder builder = TermMapBuilder.Create(
            cursor, keyColumn, int.MaxValue, options[0].KeyOrdinality == ValueToKeyMappingEstimator.KeyOrdinality.ByValue);
        while (cursor.MoveNext())
            builder.ProcessRow();
        TermMap map = builder.Finish();
        return Array.ConvertAll(columns, _ => map);
    }

    private static void CheckType(IHost host, DataViewSchema.Column column)
    {
        DataViewType item = column.Type.GetItemType();
        if (item is not KeyDataViewType && !item.IsStandardScalar())
            throw host.ExceptSchemaMismatch("inputSchema", "input", column.Name, "standard type or a vector of standard type", column.Type.ToString());
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewSchema.Column source = inputSchema[srcCol];
        CheckType(Host, source);
        if (!source.Type.GetItemType().Equals(_maps[col].ItemType))
            throw Host.Except($"Could not apply a map over type '{_maps[col].ItemType}' to column '{source.Name}' since it has type '{source.Type.GetItemType()}'");
    }

    private sealed class Mapper(ValueToKeyMappingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
            => parent.ColumnPairs.Select((pair, i) => MakeColumn(pair.outputColumnName, InputSchema[ColMapNewToOld[i]], i)).ToArray();

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            return parent._maps[iinfo].MakeGetter(input, InputSchema[ColMapNewToOld[iinfo]]);
        }

        private DataViewSchema.DetachedColumn MakeColumn(string name, DataViewSchema.Column source, int pair)
        {
            KeyDataViewType key = parent._maps[pair].OutputType;
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(key, vector.Dimensions) : key;
            var annotations = new DataViewSchema.Annotations.Builder();
            parent._maps[pair].AddKeyValues(annotations, source, parent._asText[pair]);
            annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
            return new DataViewSchema.DetachedColumn(name, type, annotations.ToAnnotations());
        }
    }
}
