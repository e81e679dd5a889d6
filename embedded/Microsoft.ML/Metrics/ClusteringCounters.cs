using Microsoft.ML.Numeric;

namespace Microsoft.ML.Data;

/// <summary>Sums over scored rows from which the metrics of a clustering follow.</summary>
/// <param name="clusterCount">The number of clusters.</param>
/// <param name="featureCount">The number of features, if the Davies-Bouldin index is wanted; 0 otherwise.</param>
internal sealed class ClusteringCounters(int clusterCount, int featureCount)
{
    private readonly double[] _rowsOfCluster = new double[clusterCount];
    private readonly List<double[]> _rowsByLabel = [];
    private readonly float[][] _centroids = Enumerable.Range(0, clusterCount).Select(_ => new float[featureCount]).ToArray();
    private readonly double[] _scatter = new double[clusterCount];
    private double _rows;
    private double _distances;

    public double AverageDistance => _distances / _rows;

    public double NormalizedMutualInformation
    {
        get
        {
            if (_rowsByLabel.Count < 2)
                return double.NaN;
            double information = 0, entropy = 0;
            foreach (double[] counts in _rowsByLabel)
            {
                double ofLabel = counts.Sum() / _rows;
                if (ofLabel <= 0)
                    continue;
                entropy -= ofLabel * Math.Log(ofLabel);
                for (int k = 0; k < clusterCount; k++)
                {
                    double ofBoth = counts[k] / _rows;
                    if (ofBoth > 0)
                        information += ofBoth * Math.Log(ofBoth / (ofLabel * _rowsOfCluster[k] / _rows));
                }
            }
            return information / entropy;
        }
    }

    public double DaviesBouldinIndex
    {
        get
        {
            if (featureCount == 0)
                return 0;
            int[] used = Enumerable.Range(0, clusterCount).Where(k => _rowsOfCluster[k] > 0).ToArray();
            double sum = 0;
            foreach (int i in used)
                sum += used.Where(j => j != i).Select(j => Overlap(i, j)).DefaultIfEmpty(0).Max();
            return sum / clusterCount;
        }
    }

    /// <summary>Takes in a row in the first pass.</summary>
    /// <param name="label">Its label, from 0.</param>
    /// <param name="scores">Its score for each cluster; the lowest is its cluster.</param>
    /// <param name="features">Its features; empty if the Davies-Bouldin index isn't wanted.</param>
    public void Add(int label, ReadOnlySpan<float> scores, ReadOnlySpan<float> features)
    {
        int cluster = Nearest(scores);
        _rows++;
        _distances += scores[cluster];
        _rowsOfCluster[cluster]++;
        while (_rowsByLabel.Count <= label)
            _rowsByLabel.Add(new double[clusterCount]);
        _rowsByLabel[label][cluster]++;
        VectorMath.AddScaled(1, features, _centroids[cluster]);
    }

    /// <summary>Ends the first pass: from here on the clusters' means are known.</summary>
    public void FinishFirstPass()
    {
        for (int k = 0; k < clusterCount; k++)
            VectorMath.Scale(_centroids[k], (float)(1 / _rowsOfCluster[k]));
    }

    /// <summary>Takes in a row in the second pass, for the scatter around the clusters' means.</summary>
    public void AddScatter(ReadOnlySpan<float> scores, ReadOnlySpan<float> features)
    {
        int cluster = Nearest(scores);
        _scatter[cluster] += MathF.Sqrt(VectorMath.DistanceSquared(_centroids[cluster], features));
    }

    private double Overlap(int i, int j)
        => (_scatter[i] / _rowsOfCluster[i] + _scatter[j] / _rowsOfCluster[j]) / MathF.Sqrt(VectorMath.DistanceSquared(_centroids[i], _centroids[j]));

    private static int Nearest(ReadOnlySpan<float> scores)
    {
        int nearest = 0;
        for (int k = 1; k < scores.Length; k++)
        {
            if (scores[k] < scores[nearest])
                nearest = k;
        }
        return nearest;
    }
}
