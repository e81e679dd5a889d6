using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Predicts for one object at a time. Not thread safe.</summary>
public sealed class PredictionEngine<TSrc, TDst> : PredictionEngineBase<TSrc, TDst>
    where TSrc : class
    where TDst : class, new()
{
    internal PredictionEngine(IHostEnvironment env, ITransformer transformer, bool ignoreMissingColumns,
        SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition, bool ownsTransformer)
        : base(env, transformer, ignoreMissingColumns, inputSchemaDefinition, outputSchemaDefinition, ownsTransformer)
    {
    }

    /// <inheritdoc/>
    public override void Predict(TSrc example, ref TDst prediction)
    {
        Contracts.CheckValue(example, nameof(example));
        Input.Set(example);
        prediction ??= new TDst();
        FillOutput(prediction);
    }
}

/// <summary>What engines have in common.</summary>
public abstract class PredictionEngineBase<TSrc, TDst> : IDisposable
    where TSrc : class
    where TDst : class, new()
{
    private readonly ITransformer _transformer;
    private readonly bool _ownsTransformer;
    private bool _disposed;

    private protected PredictionEngineBase(IHostEnvironment env, ITransformer transformer, bool ignoreMissingColumns,
        SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition, bool ownsTransformer)
    {
        env.CheckValue(transformer, nameof(transformer));
        env.CheckParam(transformer.IsRowToRowMapper, nameof(transformer), "Must be a row to row mapper");
        _transformer = transformer;
        _ownsTransformer = ownsTransformer;
        Input = new ObjectRow<TSrc>(env, inputSchemaDefinition);
        var mapper = transformer.GetRowToRowMapper(Input.Schema);
        var binding = new ObjectBinding<TDst>(env, mapper.OutputSchema, ignoreMissingColumns, outputSchemaDefinition);
        FillOutput = binding.CreateFiller(mapper.GetRow(Input, mapper.OutputSchema));
        OutputSchema = transformer.GetOutputSchema(Input.Schema);
    }

    /// <summary>The schema of what the model gives.</summary>
    public DataViewSchema OutputSchema { get; }

    private protected ObjectRow<TSrc> Input { get; }

    private protected Action<TDst> FillOutput { get; }

    /// <summary>Predicts.</summary>
    public TDst Predict(TSrc example)
    {
        var result = new TDst();
        Predict(example, ref result);
        return result;
    }

    /// <summary>Predicts into an object, whose arrays are reused where they fit; makes one where it is null.</summary>
    public abstract void Predict(TSrc example, ref TDst prediction);

    /// <summary>Frees the engine, and the model if the engine owns it.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Input.Dispose();
        if (_ownsTransformer)
            (_transformer as IDisposable)?.Dispose();
    }
}
