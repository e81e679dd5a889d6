using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using Defaults = Microsoft.ML.Trainers.LbfgsMaximumEntropyMulticlassTrainer.Options.Defaults;

namespace Microsoft.ML;

/// <summary>Linear trainers.</summary>
public static class StandardTrainersCatalog
{
    /// <summary>A multinomial logistic regression, learnt by L-BFGS.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="labelColumnName">The label column, a key.</param>
    /// <param name="featureColumnName">The feature column, a vector of Single of known size.</param>
    /// <param name="exampleWeightColumnName">The weight column, a Single; null for equal weights.</param>
    /// <param name="l1Regularization">The weight of the L1 penalty.</param>
    /// <param name="l2Regularization">The weight of the L2 penalty.</param>
    /// <param name="optimizationTolerance">The mean improvement at which to stop.</param>
    /// <param name="historySize">How many steps to remember for the approximation of the Hessian.</param>
    /// <param name="enforceNonNegativity">Keep the weights at or above zero.</param>
    public static LbfgsMaximumEntropyMulticlassTrainer LbfgsMaximumEntropy(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        string exampleWeightColumnName = null,
        float l1Regularization = Defaults.L1Regularization,
        float l2Regularization = Defaults.L2Regularization,
        float optimizationTolerance = Defaults.OptimizationTolerance,
        int historySize = Defaults.HistorySize,
        bool enforceNonNegativity = Defaults.EnforceNonNegativity)
        => catalog.LbfgsMaximumEntropy(new LbfgsMaximumEntropyMulticlassTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            L1Regularization = l1Regularization,
            L2Regularization = l2Regularization,
            OptimizationTolerance = optimizationTolerance,
            HistorySize = historySize,
            EnforceNonNegativity = enforceNonNegativity,
        });

    /// <summary>A multinomial logistic regression, learnt by L-BFGS.</summary>
    public static LbfgsMaximumEntropyMulticlassTrainer LbfgsMaximumEntropy(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        LbfgsMaximumEntropyMulticlassTrainer.Options options)
    {
        Contracts.CheckValue(options, nameof(options));
        return new LbfgsMaximumEntropyMulticlassTrainer(catalog.GetEnvironment(), options);
    }
}
