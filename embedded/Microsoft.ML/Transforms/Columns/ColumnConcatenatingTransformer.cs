using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ColumnConcatenatingTransformer), null, typeof(SignatureLoadModel), "Concat Transform", ColumnConcatenatingTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Joins columns into one vector. Made by <see cref="Transforms.ColumnConcatenatingEstimator"/>.</summary>
public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
{
    internal const string LoaderSignature = "ConcatTransform";

    private readonly string _name;
    private readonly string[] _sources;

    internal ColumnConcatenatingTransformer(IHostEnvironment env, string outputColumnName, params string[] inputColumnNames)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(ColumnConcatenatingTransformer)))
    {
        _name = outputColumnName;
        _sources = inputColumnNames;
    }

    private static VersionInfo VersionInfo => new("CONCAT F", 0x00010001, 0x00010001, 0x00010001,
        typeof(ColumnConcatenatingTransformer).Assembly.FullName, LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        ctx.SaveNonEmptyString(_name);
        ctx.Writer.Write(_sources.Length);
        foreach (string source in _sources)
            ctx.SaveNonEmptyString(source);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema inputSchema)
    {
        var columns = new DataViewSchema.Column[_sources.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            columns[i] = inputSchema.GetColumnOrNull(_sources[i]) ?? throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", _sources[i]);
            DataViewType expected = columns[0].Type.GetItemType();
            if (!columns[i].Type.GetItemType().Equals(expected))
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", _sources[i], expected.ToString(), columns[i].Type.ToString());
        }
        if (columns[0].Type.GetItemType() is not PrimitiveDataViewType)
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", _sources[0], "a primitive type or vectors of one", columns[0].Type.ToString());
        return new ConcatenationMapper(_name, columns);
    }

    private static ColumnConcatenatingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        string name = ctx.LoadNonEmptyString();
        int count = ctx.Reader.ReadInt32();
        env.CheckDecode(count > 0);
        var sources = new List<string>();
        for (int i = 0; i < count; i++)
            sources.Add(ctx.LoadNonEmptyString());
        return new ColumnConcatenatingTransformer(env, name, sources.ToArray());
    }
}
