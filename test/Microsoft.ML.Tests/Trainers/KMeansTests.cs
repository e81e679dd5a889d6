using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.Tests.Trainers;

[TestClass]
public sealed class KMeansTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(TrainingData.Clouds());

    [TestMethod]
    [DataRow(KMeansTrainer.InitializationAlgorithm.KMeansPlusPlus)]
    [DataRow(KMeansTrainer.InitializationAlgorithm.KMeansYinyang)]
    public void CentroidsAreTheMeansOfTheClouds(KMeansTrainer.InitializationAlgorithm initialization)
    {
        var trainer = _mlContext.Clustering.Trainers.KMeans(new KMeansTrainer.Options { NumberOfClusters = 3, InitializationAlgorithm = initialization });
        KMeansModelParameters model = trainer.Fit(Data).Model;

        float[][] means = TrainingData.Clouds().GroupBy(e => e.Name).OrderBy(g => g.Key)
            .Select(g => new[] { g.Average(e => e.Features[0]), g.Average(e => e.Features[1]) }).ToArray();
        float[][] centroids = Centroids(model);
        foreach (float[] mean in means)
        {
            float nearest = centroids.Min(c => MathF.Abs(c[0] - mean[0]) + MathF.Abs(c[1] - mean[1]));
            Assert.AreEqual(0, nearest, 1e-4f);
        }
    }

    [TestMethod]
    public void ScoresAreSquaredDistancesAndTheNearestCentroidIsTheCluster()
    {
        var transformer = _mlContext.Clustering.Trainers.KMeans(numberOfClusters: 4).Fit(Data);
        float[][] centroids = Centroids(transformer.Model);
        IDataView scored = transformer.Transform(Data);

        float[][] features = scored.GetColumn<float[]>("Features").ToArray(), scores = scored.GetColumn<float[]>("Score").ToArray();
        uint[] clusters = scored.GetColumn<uint>("PredictedLabel").ToArray();
        for (int i = 0; i < features.Length; i++)
        {
            for (int k = 0; k < 4; k++)
            {
                float x = features[i][0] - centroids[k][0], y = features[i][1] - centroids[k][1];
                Assert.AreEqual(x * x + y * y, scores[i][k], 1e-3f);
            }
            Assert.AreEqual((uint)Array.IndexOf(scores[i], scores[i].Min()) + 1, clusters[i]);
        }
    }

    [TestMethod]
    public void CentroidsAreAFixedPoint()
    {
        Example[] examples = TrainingData.Overlapping(500);
        IDataView data = _mlContext.Data.LoadFromEnumerable(examples);
        var transformer = _mlContext.Clustering.Trainers.KMeans(numberOfClusters: 7).Fit(data);
        uint[] clusters = transformer.Transform(data).GetColumn<uint>("PredictedLabel").ToArray();

        float[][] centroids = Centroids(transformer.Model);
        for (int k = 0; k < 7; k++)
        {
            Example[] members = examples.Where((_, i) => clusters[i] == k + 1).ToArray();
            Assert.AreEqual(members.Average(e => e.Features[0]), centroids[k][0], 1e-4f);
            Assert.AreEqual(members.Average(e => e.Features[1]), centroids[k][1], 1e-4f);
        }
    }

    [TestMethod]
    public void RandomInitializationAndWeightsWork()
    {
        var options = new KMeansTrainer.Options
        {
            NumberOfClusters = 2,
            InitializationAlgorithm = KMeansTrainer.InitializationAlgorithm.Random,
            ExampleWeightColumnName = "Weight",
            MaximumNumberOfIterations = 1,
            NumberOfThreads = 1,
        };
        Assert.HasCount(2, Centroids(_mlContext.Clustering.Trainers.KMeans(options).Fit(Data).Model));
    }

    [TestMethod]
    public void TheOutputHasScoreAnnotations()
    {
        DataViewSchema schema = _mlContext.Clustering.Trainers.KMeans(numberOfClusters: 3).Fit(Data).Transform(Data).Schema;
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 3), schema["Score"].Type);
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), schema["PredictedLabel"].Type);
        foreach (string column in new[] { "Score", "PredictedLabel" })
        {
            ReadOnlyMemory<char> kind = default;
            schema[column].Annotations.GetValue("ScoreColumnKind", ref kind);
            Assert.AreEqual("Clustering", kind.ToString());
        }
    }

    [TestMethod]
    public void TheModelSurvivesSavingAndLoadingAndServesAPredictionEngine()
    {
        ITransformer model = _mlContext.Clustering.Trainers.KMeans(numberOfClusters: 3).Fit(Data);
        ITransformer loaded = Reload.Transformer(model, Data.Schema);

        IDataView expected = model.Transform(Data), actual = loaded.Transform(Data);
        float[][] scores = expected.GetColumn<float[]>("Score").ToArray();
        CollectionAssert.AreEqual(scores.SelectMany(s => s).ToArray(), actual.GetColumn<float[]>("Score").SelectMany(s => s).ToArray());
        using var engine = _mlContext.Model.CreatePredictionEngine<Example, Prediction>(loaded);
        Prediction prediction = engine.Predict(TrainingData.Clouds()[1]);
        CollectionAssert.AreEqual(scores[1], prediction.Score);
        Assert.AreEqual(expected.GetColumn<uint>("PredictedLabel").ElementAt(1), prediction.PredictedLabel);
    }

    [TestMethod]
    public void MoreClustersThanDistinctRowsAreRefused()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(Enumerable.Repeat(new Example { Features = [1, 2] }, 10));
        Assert.ThrowsExactly<InvalidOperationException>(() => _mlContext.Clustering.Trainers.KMeans(numberOfClusters: 2).Fit(data));
    }

    private static float[][] Centroids(KMeansModelParameters model)
    {
        VBuffer<float>[] centroids = [];
        model.GetClusterCentroids(ref centroids, out int k);
        return centroids.Take(k).Select(c => c.DenseValues().ToArray()).ToArray();
    }
}
