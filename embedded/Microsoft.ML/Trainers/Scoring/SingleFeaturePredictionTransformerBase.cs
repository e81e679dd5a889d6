using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A transformer that adds the scores of a model and what they speak for.</summary>
/// <typeparam name="TModel">What was learnt.</typeparam>
public abstract class SingleFeaturePredictionTransformerBase<TModel> : RowToRowTransformerBase, ISingleFeaturePredictionTransformer<TModel>, IDisposable
    where TModel : class
{
    private const string ModelDirectory = "Model";

    private protected SingleFeaturePredictionTransformerBase(IHost host, TModel model, DataViewSchema trainSchema, string featureColumn) : base(host)
    {
        Host.CheckValue(model, nameof(model));
        Model = model;
        FeatureColumnName = featureColumn;
        FeatureColumnType = trainSchema[featureColumn].Type;
    }

    private protected SingleFeaturePredictionTransformerBase(IHost host, ModelLoadContext ctx) : base(host)
    {
        ctx.LoadModel<TModel, SignatureLoadModel>(host, out TModel model, ModelDirectory);
        Model = model;
        FeatureColumnName = ctx.LoadNonEmptyString();
        FeatureColumnType = DataViewTypeFile.Read(ctx.Reader);
        Host.CheckDecode(FeatureColumnType.GetVectorSize() == Scorer.InputSize);
    }

    /// <inheritdoc/>
    public TModel Model { get; }

    /// <inheritdoc/>
    public string FeatureColumnName { get; }

    /// <inheritdoc/>
    public DataViewType FeatureColumnType { get; }

    private protected IVectorScorer Scorer => (IVectorScorer)Model;

    /// <summary>Frees what the model holds.</summary>
    public void Dispose() => (Model as IDisposable)?.Dispose();

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SaveModel(Scorer, ModelDirectory);
        ctx.SaveNonEmptyString(FeatureColumnName);
        DataViewTypeFile.Write(ctx.Writer, FeatureColumnType);
    }

    private protected sealed override IRowMapper MakeRowMapper(DataViewSchema schema)
    {
        DataViewSchema.Column feature = schema.GetColumnOrNull(FeatureColumnName)
            ?? throw Host.ExceptSchemaMismatch(nameof(schema), "feature", FeatureColumnName);
        if (!feature.Type.SameSizeAndItemType(FeatureColumnType))
            throw Host.ExceptSchemaMismatch(nameof(schema), "feature", FeatureColumnName, FeatureColumnType.ToString(), feature.Type.ToString());
        return MakePredictionMapper(schema, feature);
    }

    private protected abstract IRowMapper MakePredictionMapper(DataViewSchema schema, DataViewSchema.Column feature);
}
