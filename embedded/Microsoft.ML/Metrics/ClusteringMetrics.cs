namespace Microsoft.ML.Data;

/// <summary>How well a clustering fits.</summary>
public sealed class ClusteringMetrics
{
    internal ClusteringMetrics(ClusteringCounters counters)
    {
        NormalizedMutualInformation = counters.NormalizedMutualInformation;
        AverageDistance = counters.AverageDistance;
        DaviesBouldinIndex = counters.DaviesBouldinIndex;
    }

    /// <summary>
    /// What the clusters tell of the labels, as a share of the labels' entropy, in [0, 1];
    /// not a number without a label column or with a single label.
    /// </summary>
    public double NormalizedMutualInformation { get; }

    /// <summary>The mean over the rows of the lowest score: with k-means, the squared distance to the nearest centroid.</summary>
    public double AverageDistance { get; }

    /// <summary>
    /// The mean over the clusters of the worst ratio of scatter to separation with another cluster (Davies and Bouldin 1979); lower is better.
    /// 0 without a feature column.
    /// </summary>
    public double DaviesBouldinIndex { get; }
}
