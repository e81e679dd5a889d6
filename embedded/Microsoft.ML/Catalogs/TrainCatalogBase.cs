using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>What the catalogs of the learning tasks have in common.</summary>
public abstract class TrainCatalogBase : IInternalCatalog
{
    private protected TrainCatalogBase(IHostEnvironment env) => Environment = env;

    IHostEnvironment IInternalCatalog.Environment => Environment;

    private protected IHostEnvironment Environment { get; }

    /// <summary>Fits an estimator once for each fold and applies it to what was held out.</summary>
    private protected IEnumerable<(ITransformer Model, IDataView Scores, int Fold)> CrossValidateTrain(IDataView data, IEstimator<ITransformer> estimator,
        int numFolds, string samplingKeyColumn, int? seed)
    {
        Environment.CheckValue(data, nameof(data));
        Environment.CheckValue(estimator, nameof(estimator));
        var splits = DataOperationsCatalog.CrossValidationSplit(Environment, data, numFolds, samplingKeyColumn, seed);
        for (int fold = 0; fold < splits.Length; fold++)
        {
            var model = estimator.Fit(splits[fold].TrainSet);

            // Metrics need all columns, so parts that aren't for scoring are used too.
            var scores = model is ITransformerChainAccessor chain
                ? new TransformerChain<ITransformer>(chain.Transformers, chain.Scopes).Transform(splits[fold].TestSet, TransformerScope.Everything)
                : model.Transform(splits[fold].TestSet);
            yield return (model, scores, fold);
        }
    }

    /// <summary>What one fold of a cross-validation gives.</summary>
    public sealed class CrossValidationResult<T> where T : class
    {
        internal CrossValidationResult(ITransformer model, T metrics, IDataView scores, int fold)
        {
            Model = model;
            Metrics = metrics;
            ScoredHoldOutSet = scores;
            Fold = fold;
        }

        /// <summary>The metrics of the held-out rows.</summary>
        public readonly T Metrics;

        /// <summary>The model.</summary>
        public readonly ITransformer Model;

        /// <summary>The held-out rows with the model's predictions.</summary>
        public readonly IDataView ScoredHoldOutSet;

        /// <summary>Number of the fold.</summary>
        public readonly int Fold;
    }

    /// <summary>A catalog of trainers, filled by extension methods.</summary>
    public abstract class CatalogInstantiatorBase : IInternalCatalog
    {
        private protected CatalogInstantiatorBase(TrainCatalogBase catalog) => Owner = catalog;

        IHostEnvironment IInternalCatalog.Environment => Owner.Environment;

        internal TrainCatalogBase Owner { get; }
    }
}
