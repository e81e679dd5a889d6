using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>A trainer with one feature column, perhaps a label column and perhaps a weight column.</summary>
public abstract class TrainerEstimatorBase<TTransformer, TModel> : ITrainerEstimator<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    /// <summary>The feature column that is expected.</summary>
    public readonly SchemaShape.Column FeatureColumn;

    /// <summary>The label column that is expected; invalid if there is none.</summary>
    public readonly SchemaShape.Column LabelColumn;

    /// <summary>The weight column that is expected; invalid if there is none.</summary>
    public readonly SchemaShape.Column WeightColumn;

    private protected readonly IHost Host;

    private protected TrainerEstimatorBase(IHost host, string featureColumn, SchemaShape.Column label, string weightColumn)
    {
        Host = host;
        Host.CheckNonEmpty(featureColumn, nameof(featureColumn));
        FeatureColumn = new SchemaShape.Column(featureColumn, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false);
        LabelColumn = label;
        if (weightColumn != null)
            WeightColumn = new SchemaShape.Column(weightColumn, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false);
    }

    /// <inheritdoc/>
    public abstract TrainerInfo Info { get; }

    /// <summary>Trains a model.</summary>
    public TTransformer Fit(IDataView input) => TrainTransformer(input, null);

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        CheckInputSchema(inputSchema);
        var result = inputSchema.ToDictionary(column => column.Name);
        foreach (SchemaShape.Column column in GetOutputColumns(inputSchema))
            result[column.Name] = column;
        return new SchemaShape(result.Values);
    }

    /// <summary>Trains, going on from a model if one is given.</summary>
    private protected TTransformer TrainTransformer(IDataView input, TModel start)
    {
        Host.CheckValue(input, nameof(input));
        CheckInputSchema(SchemaShape.Create(input.Schema));
        TrainingRows rows = TrainingRows.Load(Host, input, FeatureColumn.Name, LabelColumn.Name, WeightColumn.Name);
        return MakeTransformer(Train(rows, input.Schema, start), input.Schema);
    }

    /// <summary>The columns that the transformer will add.</summary>
    private protected abstract SchemaShape.Column[] GetOutputColumns(SchemaShape inputSchema);

    private protected abstract TModel Train(TrainingRows rows, DataViewSchema schema, TModel start);

    private protected abstract TTransformer MakeTransformer(TModel model, DataViewSchema trainSchema);

    private void CheckInputSchema(SchemaShape schema)
    {
        CheckColumn(schema, FeatureColumn, "feature");
        CheckColumn(schema, WeightColumn, "weight");
        CheckColumn(schema, LabelColumn, "label");
    }

    private void CheckColumn(SchemaShape schema, SchemaShape.Column expected, string role)
    {
        if (!expected.IsValid)
            return;
        if (!schema.TryFindColumn(expected.Name, out var actual))
            throw Host.ExceptSchemaMismatch("inputSchema", role, expected.Name);
        if (!expected.IsCompatibleWith(actual))
            throw Host.ExceptSchemaMismatch("inputSchema", role, expected.Name, expected.GetTypeString(), actual.GetTypeString());
    }
}
