using Microsoft.ML.Data;
using Microsoft.ML.Tests.Trainers;

namespace Microsoft.ML.Tests.Metrics;

[TestClass]
public sealed class ClusteringMetricsTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Scored
    {
        public float Label { get; set; }
        [VectorType(2)]
        public float[] Score { get; set; } = [];
        [VectorType(1)]
        public float[] Features { get; set; } = [];
    }

    // Cluster 0: features 0 and 2 (mean 1, scatter 1). Cluster 1: features 9, 11 and 13 (mean 11, scatter 4/3).
    private static readonly Scored[] Table =
    [
        new() { Label = 0, Score = [1, 100], Features = [0] },
        new() { Label = 0, Score = [1, 81], Features = [2] },
        new() { Label = 1, Score = [64, 4], Features = [9] },
        new() { Label = 1, Score = [100, 0.5f], Features = [11] },
        new() { Label = 0, Score = [144, 4], Features = [13] },
    ];

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(Table);

    [TestMethod]
    public void AverageDistanceIsTheMeanOfTheLowestScores()
    {
        ClusteringMetrics metrics = _mlContext.Clustering.Evaluate(Data);
        Assert.AreEqual(10.5 / 5, metrics.AverageDistance, 1e-12);
        Assert.AreEqual(double.NaN, metrics.NormalizedMutualInformation);
        Assert.AreEqual(0, metrics.DaviesBouldinIndex);
    }

    [TestMethod]
    public void NormalizedMutualInformationIsAShareOfTheLabelsEntropy()
    {
        ClusteringMetrics metrics = _mlContext.Clustering.Evaluate(Data, labelColumnName: "Label");

        // Label 0: two rows in cluster 0 and one in cluster 1; label 1: two rows in cluster 1.
        double information = 0.4 * Math.Log(0.4 / (0.6 * 0.4)) + 0.2 * Math.Log(0.2 / (0.6 * 0.6)) + 0.4 * Math.Log(0.4 / (0.4 * 0.6));
        double entropy = -(0.6 * Math.Log(0.6) + 0.4 * Math.Log(0.4));
        Assert.AreEqual(information / entropy, metrics.NormalizedMutualInformation, 1e-12);
    }

    [TestMethod]
    public void DaviesBouldinIndexRelatesScatterToSeparation()
    {
        ClusteringMetrics metrics = _mlContext.Clustering.Evaluate(Data, featureColumnName: "Features");
        Assert.AreEqual((1 + 4 / 3d) / 10, metrics.DaviesBouldinIndex, 1e-6);
    }

    [TestMethod]
    public void SeparatedCloudsAreFoundInEveryFold()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(TrainingData.Clouds());
        data = _mlContext.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(data).Transform(data);

        var folds = _mlContext.Clustering.CrossValidate(
            data, _mlContext.Clustering.Trainers.KMeans(numberOfClusters: 3), numberOfFolds: 3, labelColumnName: "Label", featuresColumnName: "Features");
        Assert.HasCount(3, folds);
        foreach (var fold in folds)
        {
            Assert.AreEqual(1, fold.Metrics.NormalizedMutualInformation, 1e-9);
            Assert.IsInRange(0.01, 0.5, fold.Metrics.DaviesBouldinIndex);
            Assert.IsInRange(0.05, 1, fold.Metrics.AverageDistance);
        }
    }

    [TestMethod]
    public void AnUnsuitableScoreColumnIsNamed()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _mlContext.Clustering.Evaluate(Data, scoreColumnName: "Label"));
        StringAssert.Contains(error.Message, "Label");
    }
}
