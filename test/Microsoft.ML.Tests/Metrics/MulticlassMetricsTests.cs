using Microsoft.ML.Data;
using Microsoft.ML.Tests.Trainers;

namespace Microsoft.ML.Tests.Metrics;

[TestClass]
public sealed class MulticlassMetricsTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Scored
    {
        public float Label { get; set; }
        [VectorType(3)]
        public float[] Score { get; set; } = [];
        public uint PredictedLabel { get; set; }
    }

    // Ranks of the right class: 0, 1, 0, 2, 0, 1 (a tie goes to the first class), a row without label, and one with a broken score.
    private static readonly Scored[] Table =
    [
        new() { Label = 0, Score = [0.7f, 0.2f, 0.1f] },
        new() { Label = 0, Score = [0.4f, 0.5f, 0.1f] },
        new() { Label = 1, Score = [0.1f, 0.8f, 0.1f] },
        new() { Label = 1, Score = [0.6f, 0.1f, 0.3f] },
        new() { Label = 2, Score = [0.05f, 0.05f, 0.9f] },
        new() { Label = 2, Score = [0.4f, 0.2f, 0.4f] },
        new() { Label = float.NaN, Score = [1, 0, 0] },
        new() { Label = 0, Score = [float.NaN, 0, 0] },
    ];

    private static readonly double[] Losses = [-Math.Log(0.7f), -Math.Log(0.4f), -Math.Log(0.8f), -Math.Log(0.1f), -Math.Log(0.9f), -Math.Log(0.4f)];

    private MulticlassClassificationMetrics Evaluate(int topK = 0)
        => _mlContext.MulticlassClassification.Evaluate(_mlContext.Data.LoadFromEnumerable(Table), topKPredictionCount: topK);

    [TestMethod]
    public void AccuraciesAreShares()
    {
        MulticlassClassificationMetrics metrics = Evaluate();
        Assert.AreEqual(3 / 6d, metrics.MicroAccuracy, 1e-12);
        Assert.AreEqual((1 / 2d + 1 / 2d + 1 / 2d) / 3, metrics.MacroAccuracy, 1e-12);
    }

    [TestMethod]
    public void LogLossesAreMeansOverRowsAndOverEachClass()
    {
        MulticlassClassificationMetrics metrics = Evaluate();
        Assert.AreEqual(Losses.Average(), metrics.LogLoss, 1e-12);
        Assert.AreEqual((Math.Log(3) - Losses.Average()) / Math.Log(3), metrics.LogLossReduction, 1e-12);
        Assert.HasCount(3, metrics.PerClassLogLoss);
        for (int c = 0; c < 3; c++)
            Assert.AreEqual((Losses[2 * c] + Losses[2 * c + 1]) / 2, metrics.PerClassLogLoss[c], 1e-12);
    }

    [TestMethod]
    public void TopKCountsTheRanks()
    {
        MulticlassClassificationMetrics metrics = Evaluate(topK: 3);
        Assert.AreEqual(3, metrics.TopKPredictionCount);
        Assert.HasCount(3, metrics.TopKAccuracyForAllK!);
        Assert.AreEqual(3 / 6d, metrics.TopKAccuracyForAllK![0], 1e-12);
        Assert.AreEqual(5 / 6d, metrics.TopKAccuracyForAllK[1], 1e-12);
        Assert.AreEqual(1, metrics.TopKAccuracy, 1e-12);
    }

    [TestMethod]
    public void TopKIsEmptyUnlessAskedFor()
    {
        MulticlassClassificationMetrics metrics = Evaluate();
        Assert.AreEqual(0, metrics.TopKAccuracy);
        Assert.IsNull(metrics.TopKAccuracyForAllK);
    }

    [TestMethod]
    public void TheConfusionMatrixHasActualClassesInRows()
    {
        ConfusionMatrix matrix = Evaluate().ConfusionMatrix;
        double[][] expected = [[1, 1, 0], [1, 1, 0], [1, 0, 1]];
        Assert.AreEqual(3, matrix.NumberOfClasses);
        for (int actual = 0; actual < 3; actual++)
        {
            CollectionAssert.AreEqual(expected[actual], matrix.Counts[actual].ToArray());
            for (int predicted = 0; predicted < 3; predicted++)
                Assert.AreEqual(expected[actual][predicted], matrix.GetCountForClassPair(predicted, actual));
        }
        CollectionAssert.AreEqual(new[] { 0.5, 0.5, 0.5 }, matrix.PerClassRecall.ToArray());
        CollectionAssert.AreEqual(new[] { 1 / 3d, 0.5, 1 }, matrix.PerClassPrecision.ToArray());
        Assert.Throws<ArgumentException>(() => matrix.GetCountForClassPair(3, 0));
    }

    [TestMethod]
    public void TheFormattedTableIsAligned()
    {
        string[] lines = Evaluate().ConfusionMatrix.GetFormattedConfusionTable().ReplaceLineEndings("\n").Split('\n');
        string[] expected =
        [
            "",
            "Confusion table",
            "          ||========================",
            "PREDICTED ||     0 |     1 |     2 | Recall",
            "TRUTH     ||========================",
            "        0 ||     1 |     1 |     0 | 0.5000",
            "        1 ||     1 |     1 |     0 | 0.5000",
            "        2 ||     1 |     0 |     1 | 0.5000",
            "          ||========================",
            "Precision ||0.3333 |0.5000 |1.0000 |",
            "",
        ];
        CollectionAssert.AreEqual(expected, lines);
    }

    [TestMethod]
    public void LongClassNamesAreNumberedInTheFormattedTable()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(TrainingData.Overlapping(60).Where(e => e.Name != "rest")
            .Select(e => new Example { Name = e.Name + " direction", Features = e.Features }));
        IDataView keyed = _mlContext.Transforms.Conversion
            .MapValueToKey("Label", "Name", keyOrdinality: ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data).Transform(data);
        IDataView scored = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(keyed).Transform(keyed);

        string[] lines = _mlContext.MulticlassClassification.Evaluate(scored).ConfusionMatrix
            .GetFormattedConfusionTable().ReplaceLineEndings("\n").Split('\n');
        Assert.AreEqual("                   ||======================", lines[2]);
        Assert.AreEqual("PREDICTED          ||        0 |        1 | Recall", lines[3]);
        StringAssert.StartsWith(lines[5], "0. right direction ||");
        StringAssert.StartsWith(lines[6], "1.    up direction ||");
    }

    [TestMethod]
    public void ALabelBeyondTheScoresCountsAsWrong()
    {
        Scored[] rows = [new() { Label = 5, Score = [0.5f, 0.3f, 0.2f] }, new() { Label = 0, Score = [0.5f, 0.3f, 0.2f] }];
        var metrics = _mlContext.MulticlassClassification.Evaluate(_mlContext.Data.LoadFromEnumerable(rows));
        Assert.AreEqual(0.5, metrics.MicroAccuracy);
        Assert.AreEqual(1, metrics.MacroAccuracy);
        Assert.AreEqual((-Math.Log(1e-15f) - Math.Log(0.5)) / 2, metrics.LogLoss, 1e-6);
    }

    [TestMethod]
    public void MissingOrUnsuitableColumnsAreNamed()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(Table);
        var missing = Assert.Throws<ArgumentException>(() => _mlContext.MulticlassClassification.Evaluate(data, labelColumnName: "Nope"));
        StringAssert.Contains(missing.Message, "Nope");
        var unsuitable = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _mlContext.MulticlassClassification.Evaluate(data, scoreColumnName: "Label"));
        StringAssert.Contains(unsuitable.Message, "Label");
    }

    [TestMethod]
    public void CrossValidationTrainsOncePerFoldAndScoresEveryRowOnce()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(TrainingData.Clouds());
        var pipeline = _mlContext.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(_mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy());

        var folds = _mlContext.MulticlassClassification.CrossValidate(data, pipeline, numberOfFolds: 4, seed: 3);
        Assert.HasCount(4, folds);
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3 }, folds.Select(f => f.Fold).ToArray());
        Assert.AreEqual(120, folds.Sum(f => f.ScoredHoldOutSet.GetColumn<uint>("PredictedLabel").Count()));
        foreach (var fold in folds)
        {
            Assert.AreEqual(1, fold.Metrics.MicroAccuracy);
            Assert.AreEqual(fold.ScoredHoldOutSet.GetColumn<uint>("Label").Count(), fold.Metrics.ConfusionMatrix.Counts.Sum(row => row.Sum()));
            Assert.IsNotNull(fold.Model);
        }
    }
}
