using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed partial class ClusteringCatalog
{
    /// <summary>Says how well a clustering fits.</summary>
    /// <param name="data">Scored rows.</param>
    /// <param name="labelColumnName">A column to compare the clusters with, a key or a Single; null for none.</param>
    /// <param name="scoreColumnName">The distance to each cluster, a vector of Single.</param>
    /// <param name="featureColumnName">The features, for the Davies-Bouldin index; null to leave it out.</param>
    public ClusteringMetrics Evaluate(IDataView data, string labelColumnName = null, string scoreColumnName = DefaultColumnNames.Score, string featureColumnName = null)
        => new ClusteringEvaluation(Environment).Run(data, labelColumnName, scoreColumnName, featureColumnName);

    /// <summary>Splits the data into folds, trains once for each fold on the others and evaluates on the fold itself.</summary>
    /// <param name="data">The data.</param>
    /// <param name="estimator">What to train.</param>
    /// <param name="numberOfFolds">The number of folds, at least 2.</param>
    /// <param name="labelColumnName">A column to compare the clusters with; null for none.</param>
    /// <param name="featuresColumnName">The features, for the Davies-Bouldin index; null to leave it out.</param>
    /// <param name="samplingKeyColumnName">Rows with the same value in this column stay in the same fold; null to split row by row.</param>
    /// <param name="seed">The seed of the split; null for the context's.</param>
    public IReadOnlyList<CrossValidationResult<ClusteringMetrics>> CrossValidate(IDataView data, IEstimator<ITransformer> estimator, int numberOfFolds = 5,
        string labelColumnName = null, string featuresColumnName = null, string samplingKeyColumnName = null, int? seed = null)
        => CrossValidateTrain(data, estimator, numberOfFolds, samplingKeyColumnName, seed)
            .Select(fold => new CrossValidationResult<ClusteringMetrics>(
                fold.Model, Evaluate(fold.Scores, labelColumnName, featureColumnName: featuresColumnName), fold.Scores, fold.Fold))
            .ToArray();
}
