using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Saving, loading and use of trained models.</summary>
public sealed class ModelOperationsCatalog : IInternalCatalog
{
    private const string SchemaEntryName = "Schema";
    private const string TransformerDirectory = "TransformerChain";
    private readonly IHostEnvironment _env;

    internal ModelOperationsCatalog(IHostEnvironment env) => _env = env;

    IHostEnvironment IInternalCatalog.Environment => _env;

    /// <summary>Saves a model as a zip archive.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputSchema">Schema of the data that it takes, or null. Columns of other than standard types (images) are left out.</param>
    /// <param name="stream">Where to. Stays open.</param>
    public void Save(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        _env.CheckValue(stream, nameof(stream));
        using var repository = RepositoryWriter.CreateNew(stream, _env);
        ModelSaveContext.SaveModel(repository, model, TransformerDirectory);
        if (inputSchema is null)
            return;
        using var channel = _env.Start("Saving Schema");
        using var writer = new BinaryWriter(repository.CreateEntry(null, SchemaEntryName));
        SchemaFile.Write(writer, inputSchema, channel);
    }

    /// <summary>Saves a model as a zip file.</summary>
    public void Save(ITransformer model, DataViewSchema inputSchema, string filePath)
    {
        _env.CheckNonEmpty(filePath, nameof(filePath));
        using var stream = File.Create(filePath);
        Save(model, inputSchema, stream);
    }

    /// <summary>Loads a model. The assemblies that its parts name are loaded and registered as needed.</summary>
    /// <param name="stream">Where from. Must be seekable; stays open.</param>
    /// <param name="inputSchema">The input schema that was saved with it, or null.</param>
    /// <exception cref="FormatException">No zip archive, or a part is corrupt or has no known loader.</exception>
    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        _env.CheckValue(stream, nameof(stream));
        using var repository = RepositoryReader.Open(stream, _env);
        using var entry = repository.OpenEntryOrNull(null, SchemaEntryName);
        inputSchema = entry is null ? null : SchemaFile.Read(new BinaryReader(entry));
        ModelLoadContext.LoadModel<ITransformer, SignatureLoadModel>(_env, out var model, repository, TransformerDirectory);
        return model;
    }

    /// <summary>Loads a model from a file.</summary>
    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        _env.CheckNonEmpty(filePath, nameof(filePath));
        using var stream = File.OpenRead(filePath);
        return Load(stream, out inputSchema);
    }

    /// <summary>Makes an engine that predicts for one object at a time.</summary>
    /// <param name="transformer">The model, a mapper of single rows. Disposed with the engine.</param>
    /// <param name="ignoreMissingColumns">Whether members of <typeparamref name="TDst"/> without a column are left as they are, or are an error.</param>
    /// <param name="inputSchemaDefinition">How members of <typeparamref name="TSrc"/> map to columns, if not as their attributes say.</param>
    /// <param name="outputSchemaDefinition">How members of <typeparamref name="TDst"/> map to columns, if not as their attributes say.</param>
    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, bool ignoreMissingColumns = true,
        SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class
        where TDst : class, new()
        => new(_env, transformer, ignoreMissingColumns, inputSchemaDefinition, outputSchemaDefinition, ownsTransformer: true);

    /// <summary>Makes an engine whose input has exactly a schema's types and annotations.</summary>
    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, DataViewSchema inputSchema)
        where TSrc : class
        where TDst : class, new()
    {
        _env.CheckValue(inputSchema, nameof(inputSchema));
        return new(_env, transformer, false, MemberMapping.CreateDefinition(typeof(TSrc), inputSchema, _env), null, ownsTransformer: true);
    }

    /// <summary>Makes an engine with options.</summary>
    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, PredictionEngineOptions options)
        where TSrc : class
        where TDst : class, new()
    {
        _env.CheckValue(options, nameof(options));
        return new(_env, transformer, options.IgnoreMissingColumns, options.InputSchemaDefinition, options.OutputSchemaDefinition, options.OwnsTransformer);
    }
}
