using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.Tests.Trainers;

[TestClass]
public sealed class LbfgsMaximumEntropyTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    [TestMethod]
    public void WithoutPenaltyTheProbabilitiesAreTheFrequencies()
    {
        // One binary feature: the model can express the share of each class at either value exactly.
        int[,] counts = { { 30, 10, 20 }, { 5, 40, 15 } };
        IDataView data = Keyed(Repeat(counts));
        var options = new LbfgsMaximumEntropyMulticlassTrainer.Options { L1Regularization = 0, L2Regularization = 0 };
        var model = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(options).Fit(data);

        var scored = model.Transform(data);
        var rows = scored.GetColumn<float[]>("Features").Zip(scored.GetColumn<float[]>("Score"));
        foreach (var (features, score) in rows)
        {
            for (int c = 0; c < 3; c++)
                Assert.AreEqual(counts[(int)features[0], c] / 60f, score[c], 2e-3f);
        }
    }

    [TestMethod]
    public void TheL2OptimumHasAZeroGradient()
    {
        Example[] examples = TrainingData.Overlapping(300);
        var (weights, biases) = Train(examples, l1: 0, l2: 1);

        var (ofWeights, ofBiases) = Gradient(examples, weights, biases);
        for (int c = 0; c < 3; c++)
        {
            Assert.AreEqual(0, ofBiases[c], 0.15, $"bias {c}");
            for (int j = 0; j < 2; j++)
                Assert.AreEqual(0, ofWeights[c][j] + weights[c][j], 0.15, $"weight {c}, {j}");
        }
    }

    [TestMethod]
    public void TheL1OptimumBalancesGradientAndPenaltyAndHasExactZeros()
    {
        Example[] examples = TrainingData.Overlapping(300);
        const float l1 = 20;
        var (weights, biases) = Train(examples, l1, l2: 0);

        var (ofWeights, ofBiases) = Gradient(examples, weights, biases);
        int zeros = 0;
        for (int c = 0; c < 3; c++)
        {
            Assert.AreEqual(0, ofBiases[c], 0.2, $"bias {c}");
            for (int j = 0; j < 2; j++)
            {
                if (weights[c][j] == 0)
                {
                    zeros++;
                    Assert.IsLessThanOrEqualTo(l1 + 0.2, Math.Abs(ofWeights[c][j]), $"weight {c}, {j}");
                }
                else
                {
                    Assert.AreEqual(-Math.Sign(weights[c][j]) * l1, ofWeights[c][j], 0.2, $"weight {c}, {j}");
                }
            }
        }
        Assert.IsGreaterThan(0, zeros);
    }

    [TestMethod]
    public void DefaultsSeparateTheCloudsAndScoresAreProbabilities()
    {
        IDataView data = Keyed(TrainingData.Clouds());
        IDataView scored = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(data).Transform(data);

        CollectionAssert.AreEqual(scored.GetColumn<uint>("Label").ToArray(), scored.GetColumn<uint>("PredictedLabel").ToArray());
        foreach (float[] score in scored.GetColumn<float[]>("Score"))
        {
            Assert.AreEqual(1, score.Sum(), 1e-5f);
            Assert.IsTrue(score.All(p => p is >= 0 and <= 1));
        }
    }

    [TestMethod]
    public void DefaultsGiveTheModelThatMLNetGives()
    {
        // As trained by Microsoft.ML 5.0.0.
        float[] biases = [0.2058f, 0.2071f, -0.4129f];
        float[][] weights = [[-0.9760f, -1.4042f], [2.2564f, 0], [-0.4409f, 1.6120f]];
        var (actualWeights, actualBiases) = Train(TrainingData.Overlapping(300), l1: 1, l2: 1);
        for (int c = 0; c < 3; c++)
        {
            Assert.AreEqual(biases[c], actualBiases[c], 1e-3f, $"bias {c}");
            for (int j = 0; j < 2; j++)
                Assert.AreEqual(weights[c][j], actualWeights[c][j], 1e-3f, $"weight {c}, {j}");
        }
    }

    [TestMethod]
    public void AWeightCountsAsThatManyRows()
    {
        Example[] once = TrainingData.Overlapping(120);
        for (int i = 0; i < once.Length; i++)
            once[i].Weight = 1 + i % 3;
        Example[] repeated = once.SelectMany(e => Enumerable.Repeat(e, (int)e.Weight)).ToArray();

        var weighted = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
            exampleWeightColumnName: "Weight", l1Regularization: 0).Fit(Keyed(once));
        var plain = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: 0).Fit(Keyed(repeated));
        AssertSameModel(plain.Model, weighted.Model, 5e-3f);
    }

    [TestMethod]
    public void WeightsCanBeKeptFromGoingNegative()
    {
        var model = _mlContext.MulticlassClassification.Trainers
            .LbfgsMaximumEntropy(enforceNonNegativity: true).Fit(Keyed(TrainingData.Overlapping(200)));

        float[][] weights = Weights(model.Model);
        Assert.IsTrue(weights.SelectMany(w => w).All(w => w >= 0));
        Assert.IsTrue(weights.SelectMany(w => w).Any(w => w > 0));
    }

    [TestMethod]
    public void ThreadsDoNotChangeTheResult()
    {
        IDataView data = Keyed(TrainingData.Overlapping(400));
        MaximumEntropyModelParameters WithThreads(int count) => _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
            new LbfgsMaximumEntropyMulticlassTrainer.Options { NumberOfThreads = count }).Fit(data).Model;

        AssertSameModel(WithThreads(1), WithThreads(3), 5e-3f);
    }

    [TestMethod]
    public void TrainingGoesOnFromAGivenModel()
    {
        IDataView data = Keyed(TrainingData.Overlapping(300));
        var full = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(data);
        var oneMore = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
            new LbfgsMaximumEntropyMulticlassTrainer.Options { MaximumNumberOfIterations = 1 });

        AssertSameModel(full.Model, oneMore.Fit(data, full.Model).Model, 0.05f);
    }

    [TestMethod]
    public void FeaturesMayHaveSeveralDimensions()
    {
        Example[] examples = TrainingData.Overlapping(100);
        IDataView data = _mlContext.Data.LoadFromEnumerable(examples.Select(e => new Map { Name = e.Name, Features = [e.Features[0], 0, e.Features[1], 0] }));
        data = _mlContext.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(data).Transform(data);

        var trainer = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy();
        var model = trainer.Fit(data);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 2, 2), model.FeatureColumnType);
        float[] ofMaps = model.Transform(data).GetColumn<float[]>("Score").First();
        float[] ofVectors = trainer.Fit(Keyed(examples)).Transform(Keyed(examples)).GetColumn<float[]>("Score").First();
        for (int c = 0; c < 3; c++)
            Assert.AreEqual(ofVectors[c], ofMaps[c], 1e-3f);
    }

    [TestMethod]
    public void RowsWithMissingFeaturesAreLeftOut()
    {
        Example[] examples = TrainingData.Overlapping(200);
        Example[] withBad = [.. examples, new Example { Name = "up", Features = [float.NaN, 1] }];

        var trainer = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy();
        AssertSameModel(trainer.Fit(Keyed(examples)).Model, trainer.Fit(Keyed(withBad)).Model, 5e-3f);
    }

    [TestMethod]
    public void TheOutputTellsTheNamesOfTheClasses()
    {
        IDataView data = Keyed(TrainingData.Clouds());
        DataViewSchema schema = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(data).Transform(data).Schema;

        var names = new[] { "a", "b", "c" };
        CollectionAssert.AreEqual(names, Texts(schema["Score"], "SlotNames"));
        CollectionAssert.AreEqual(names, Texts(schema["Score"], "TrainingLabelValues"));
        CollectionAssert.AreEqual(names, Texts(schema["PredictedLabel"], "KeyValues"));
        foreach (string column in new[] { "Score", "PredictedLabel" })
        {
            Assert.AreEqual("MulticlassClassification", Text(schema[column], "ScoreColumnKind"));
            Assert.AreEqual(column, Text(schema[column], "ScoreValueKind"));
            uint set = 0;
            schema[column].Annotations.GetValue("ScoreColumnSetId", ref set);
            Assert.AreEqual(1u, set);
        }
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 3), schema["Score"].Type);
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), schema["PredictedLabel"].Type);
        Assert.AreEqual(schema.Count - 2, schema["PredictedLabel"].Index);
    }

    [TestMethod]
    public void TheModelSurvivesSavingAndLoading()
    {
        IDataView data = Keyed(TrainingData.Overlapping(150));
        ITransformer model = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(data);
        ITransformer loaded = Reload.Transformer(model, data.Schema);

        IDataView expected = model.Transform(data), actual = loaded.Transform(data);
        CollectionAssert.AreEqual(
            expected.GetColumn<float[]>("Score").SelectMany(s => s).ToArray(), actual.GetColumn<float[]>("Score").SelectMany(s => s).ToArray());
        CollectionAssert.AreEqual(Texts(expected.Schema["PredictedLabel"], "KeyValues"), Texts(actual.Schema["PredictedLabel"], "KeyValues"));
        CollectionAssert.AreEqual(Texts(expected.Schema["Score"], "SlotNames"), Texts(actual.Schema["Score"], "SlotNames"));
        Assert.IsInstanceOfType<MulticlassPredictionTransformer<MaximumEntropyModelParameters>>(loaded);
    }

    [TestMethod]
    public void APredictionEngineSaysTheSameAsTheTable()
    {
        Example[] examples = TrainingData.Clouds();
        IDataView data = _mlContext.Data.LoadFromEnumerable(examples);
        ITransformer model = _mlContext.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(_mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(_mlContext.Transforms.Conversion.MapKeyToValue("Answer", "PredictedLabel"))
            .Fit(data);

        float[][] scores = model.Transform(data).GetColumn<float[]>("Score").ToArray();
        using var engine = _mlContext.Model.CreatePredictionEngine<Example, Answered>(model);
        for (int i = 0; i < 6; i++)
        {
            Answered answered = engine.Predict(examples[i]);
            Assert.AreEqual(examples[i].Name, answered.Answer);
            CollectionAssert.AreEqual(scores[i], answered.Score);
        }
    }

    [TestMethod]
    public void ALabelThatIsNoKeyIsRefused()
    {
        var data = _mlContext.Data.LoadFromEnumerable(TrainingData.Clouds());
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(labelColumnName: "Name").Fit(data));
        StringAssert.Contains(error.Message, "'Name'");
    }

    [TestMethod]
    public void AMissingFeatureColumnIsNamed()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(featureColumnName: "Nope").Fit(Keyed(TrainingData.Clouds())));
        StringAssert.Contains(error.Message, "Nope");
    }

    [TestMethod]
    public void NegativeRegularizationIsRefused()
    {
        Assert.Throws<ArgumentException>(
            () => _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l2Regularization: -1));
    }

    [TestMethod]
    public void FeaturesOfAnotherSizeAreRefused()
    {
        var model = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(Keyed(TrainingData.Clouds()));
        var other = _mlContext.Data.LoadFromEnumerable(new[] { new Other { Features = [1, 2, 3] } });
        Assert.Throws<ArgumentException>(() => model.GetOutputSchema(other.Schema));
    }

    private IDataView Keyed(IEnumerable<Example> examples)
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(examples);
        return _mlContext.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(data).Transform(data);
    }

    private (float[][] Weights, float[] Biases) Train(Example[] examples, float l1, float l2)
    {
        var model = _mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: l1, l2Regularization: l2).Fit(Keyed(examples)).Model;
        return (Weights(model), model.GetBiases().ToArray());
    }

    // The gradient of the summed negative log-likelihood, computed plainly in double.
    private static (double[][] Weights, double[] Biases) Gradient(Example[] examples, float[][] weights, float[] biases)
    {
        var names = examples.Select(e => e.Name).Distinct().ToList();
        var ofWeights = weights.Select(w => new double[w.Length]).ToArray();
        var ofBiases = new double[biases.Length];
        foreach (Example example in examples)
        {
            double[] scores = weights.Select((w, c) => Math.Exp(biases[c] + w.Zip(example.Features, (a, b) => (double)a * b).Sum())).ToArray();
            for (int c = 0; c < scores.Length; c++)
            {
                double excess = scores[c] / scores.Sum() - (names[c] == example.Name ? 1 : 0);
                ofBiases[c] += excess;
                for (int j = 0; j < example.Features.Length; j++)
                    ofWeights[c][j] += excess * example.Features[j];
            }
        }
        return (ofWeights, ofBiases);
    }

    private static IEnumerable<Example> Repeat(int[,] counts)
    {
        for (int value = 0; value < 2; value++)
        {
            for (int c = 0; c < 3; c++)
            {
                for (int n = 0; n < counts[value, c]; n++)
                    yield return new Example { Name = $"{c}", Features = [value, 0] };
            }
        }
    }

    private static float[][] Weights(MaximumEntropyModelParameters model)
    {
        VBuffer<float>[] weights = [];
        model.GetWeights(ref weights, out int classes);
        return weights.Take(classes).Select(w => w.DenseValues().ToArray()).ToArray();
    }

    private static void AssertSameModel(MaximumEntropyModelParameters expected, MaximumEntropyModelParameters actual, float tolerance)
    {
        float[][] a = Weights(expected), b = Weights(actual);
        for (int c = 0; c < a.Length; c++)
        {
            for (int j = 0; j < a[c].Length; j++)
                Assert.AreEqual(a[c][j], b[c][j], tolerance, $"weight {c}, {j}");
        }
    }

    private static string[] Texts(DataViewSchema.Column column, string annotation)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        column.Annotations.GetValue(annotation, ref values);
        return values.DenseValues().Select(v => v.ToString()).ToArray();
    }

    private static string Text(DataViewSchema.Column column, string annotation)
    {
        ReadOnlyMemory<char> value = default;
        column.Annotations.GetValue(annotation, ref value);
        return value.ToString();
    }

    private sealed class Answered
    {
        public string Answer { get; set; } = "";
        public float[] Score { get; set; } = [];
    }

    private sealed class Map
    {
        public string Name { get; set; } = "";
        [VectorType(2, 2)]
        public float[] Features { get; set; } = [];
    }

    private sealed class Other
    {
        [VectorType(3)]
        public float[] Features { get; set; } = [];
    }
}
