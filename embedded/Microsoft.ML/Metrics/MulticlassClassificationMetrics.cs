namespace Microsoft.ML.Data;

/// <summary>How well a multiclass classifier did.</summary>
public sealed class MulticlassClassificationMetrics
{
    internal MulticlassClassificationMetrics(MulticlassCounters counters, IReadOnlyList<string> classNames, int topKPredictionCount)
    {
        MicroAccuracy = counters.MicroAccuracy;
        MacroAccuracy = counters.MacroAccuracy;
        LogLoss = counters.LogLoss;
        LogLossReduction = counters.LogLossReduction;
        PerClassLogLoss = counters.PerClassLogLoss;
        TopKPredictionCount = topKPredictionCount;
        if (topKPredictionCount > 0)
            TopKAccuracyForAllK = counters.TopKAccuracies(topKPredictionCount);
        ConfusionMatrix = new ConfusionMatrix(counters.Confusion, classNames);
    }

    /// <summary>The mean of −ln p over the rows, p being the probability given to a row's actual class; 0 for perfect predictions.</summary>
    public double LogLoss { get; }

    /// <summary>How much lower the log-loss is than that of always predicting the classes' shares: 1 for perfect, 0 for no better.</summary>
    public double LogLossReduction { get; }

    /// <summary>The mean over the classes of the share of each class's rows that was predicted right, in [0, 1].</summary>
    public double MacroAccuracy { get; }

    /// <summary>The share of rows that was predicted right, in [0, 1].</summary>
    public double MicroAccuracy { get; }

    /// <summary>The share of rows whose class is among the <see cref="TopKPredictionCount"/> best scores; 0 if that is 0.</summary>
    public double TopKAccuracy => TopKAccuracyForAllK?[^1] ?? 0;

    /// <summary>The K of <see cref="TopKAccuracy"/>; 0 if it wasn't asked for.</summary>
    public int TopKPredictionCount { get; }

    /// <summary>The top-K accuracies for K from 1 to <see cref="TopKPredictionCount"/>; null if that is 0.</summary>
    public IReadOnlyList<double> TopKAccuracyForAllK { get; }

    /// <summary>The log-loss over the rows of each class; 0 for a class without rows.</summary>
    public IReadOnlyList<double> PerClassLogLoss { get; }

    /// <summary>How often each actual class was predicted as each class.</summary>
    public ConfusionMatrix ConfusionMatrix { get; }
}
