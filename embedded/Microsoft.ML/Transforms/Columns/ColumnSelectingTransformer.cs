using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ColumnSelectingTransformer), null, typeof(SignatureLoadModel), "Select Columns Transform", ColumnSelectingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Keeps or drops columns. Made by <see cref="ColumnSelectingEstimator"/>.</summary>
public sealed class ColumnSelectingTransformer : ITransformer
{
    internal const string LoaderSignature = "SelectColumnsTransform";

    private readonly IHost _host;
    private readonly string[] _names;
    private readonly bool _keep;
    private readonly bool _keepHidden;

    internal ColumnSelectingTransformer(IHostEnvironment env, string[] columnNames, bool keep, bool keepHidden)
    {
        Contracts.CheckValue(env, nameof(env));
        _host = env.Register(nameof(ColumnSelectingTransformer));
        _host.Check(columnNames is { Length: > 0 }, "At least one column to keep or to drop must be named.");
        _names = columnNames;
        _keep = keep;
        _keepHidden = keepHidden;
    }

    bool ITransformer.IsRowToRowMapper => true;

    private static VersionInfo VersionInfo => new("SELCOLST", 0x00010001, 0x00010001, 0x00010001,
        typeof(ColumnSelectingTransformer).Assembly.FullName, LoaderSignature);

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <inheritdoc/>
    public IDataView Transform(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        return Bind(input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        _host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        ctx.SetVersionInfo(VersionInfo);
        ctx.Writer.Write(_keep);
        ctx.Writer.Write(_keepHidden);
        ctx.Writer.Write(_names.Length);
        foreach (string name in _names)
            ctx.SaveNonEmptyString(name);
    }

    /// <summary>Sees to it that all columns are there.</summary>
    internal void CheckNames(IEnumerable<string> available)
    {
        string[] missing = _names.Except(available).ToArray();
        if (missing.Length > 0)
            throw _host.ExceptSchemaMismatch("inputSchema", "input", string.Join(",", missing));
    }

    /// <summary>Whether columns of that name are in the output.</summary>
    internal bool IsKept(string name) => _names.Contains(name) == _keep;

    private static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        bool keep = ctx.Reader.ReadBoolean();
        bool keepHidden = ctx.Reader.ReadBoolean();
        int count = ctx.Reader.ReadInt32();
        env.CheckDecode(count > 0);
        var names = new List<string>();
        for (int i = 0; i < count; i++)
            names.Add(ctx.LoadNonEmptyString());
        return new ColumnSelectingTransformer(env, names.ToArray(), keep, keepHidden);
    }

    private ColumnSubsetView Bind(DataViewSchema inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return Bind(new EmptyDataView(_host, inputSchema));
    }

    private ColumnSubsetView Bind(IDataView input)
    {
        CheckNames(input.Schema.Select(column => column.Name));
        // Kept columns come in the order in which they are named, the rest after dropping in that of the input.
        IEnumerable<DataViewSchema.Column> columns = _keep
            ? _names.SelectMany(name => input.Schema.Where(column => column.Name == name && (_keepHidden || !column.IsHidden)))
            : input.Schema.Where(column => IsKept(column.Name));
        return new ColumnSubsetView(_host, input, columns.Select(column => column.Index).ToArray());
    }
}
