namespace Microsoft.ML.Trainers;

/// <summary>The examples of a training set in memory: dense features, labels and weights of the rows that can be learnt from.</summary>
internal sealed class TrainingRows(int featureCount, float[][] features, float[] labels, float[] weights, long skipped)
{
    /// <summary>The number of features of every row.</summary>
    public int FeatureCount { get; } = featureCount;

    /// <summary>The features, a row an array.</summary>
    public float[][] Features { get; } = features;

    /// <summary>The labels; zeros if there is no label column.</summary>
    public float[] Labels { get; } = labels;

    /// <summary>The example weights; ones if there is no weight column.</summary>
    public float[] Weights { get; } = weights;

    /// <summary>The number of rows.</summary>
    public int Count => Features.Length;

    /// <summary>The number of rows left out for a missing feature, label or weight.</summary>
    public long Skipped { get; } = skipped;

    /// <summary>The sum of the weights.</summary>
    public double WeightSum { get; } = weights.Sum(weight => (double)weight);
}
