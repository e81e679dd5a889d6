using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed partial class MulticlassClassificationCatalog
{
    /// <summary>Compares predicted with actual classes.</summary>
    /// <param name="data">Scored rows. Rows without label are left out.</param>
    /// <param name="labelColumnName">The actual class, a key or a Single.</param>
    /// <param name="scoreColumnName">The probability of each class, a vector of Single.</param>
    /// <param name="predictedLabelColumnName">The predicted class. Must be there; the scores decide.</param>
    /// <param name="topKPredictionCount">If positive, top-K accuracies are computed for K up to this.</param>
    public MulticlassClassificationMetrics Evaluate(IDataView data,
        string labelColumnName = DefaultColumnNames.Label,
        string scoreColumnName = DefaultColumnNames.Score,
        string predictedLabelColumnName = DefaultColumnNames.PredictedLabel,
        int topKPredictionCount = 0)
        => new MulticlassEvaluation(Environment, topKPredictionCount).Run(data, labelColumnName, scoreColumnName, predictedLabelColumnName);

    /// <summary>Splits the data into folds, trains once for each fold on the others and evaluates on the fold itself.</summary>
    /// <param name="data">The data.</param>
    /// <param name="estimator">What to train.</param>
    /// <param name="numberOfFolds">The number of folds, at least 2.</param>
    /// <param name="labelColumnName">The actual class, in the output of the transformer.</param>
    /// <param name="samplingKeyColumnName">Rows with the same value in this column stay in the same fold; null to split row by row.</param>
    /// <param name="seed">The seed of the split; null for the context's.</param>
    public IReadOnlyList<CrossValidationResult<MulticlassClassificationMetrics>> CrossValidate(IDataView data, IEstimator<ITransformer> estimator,
        int numberOfFolds = 5, string labelColumnName = DefaultColumnNames.Label, string samplingKeyColumnName = null, int? seed = null)
        => CrossValidateTrain(data, estimator, numberOfFolds, samplingKeyColumnName, seed)
            .Select(fold => new CrossValidationResult<MulticlassClassificationMetrics>(
                fold.Model, Evaluate(fold.Scores, labelColumnName), fold.Scores, fold.Fold))
            .ToArray();
}
