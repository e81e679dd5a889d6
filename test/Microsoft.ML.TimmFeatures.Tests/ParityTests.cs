using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

[TestClass]
public sealed class ParityTests
{
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Features_of_the_sample_pictures_are_timms(bool fromPaths)
    {
        var context = new MLContext(seed: 1);
        IDataView data = context.Data.LoadFromEnumerable(Samples.Expected.Select(e => new Picture { Path = e.Path }));
        IDataView features;
        if (fromPaths)
        {
            using var transformer = context.Transforms.TimmFeatures("Features", "Path", Samples.Options with { ImageFolder = Samples.Pictures, BatchSize = 6 }).Fit(data);
            features = context.Data.Cache(transformer.Transform(data));
            Compare(features);
        }
        else
        {
            var pipeline = context.Transforms.LoadImages("Image", Samples.Pictures, "Path")
                .Append(context.Transforms.TimmFeatures("Features", "Image", Samples.Model, Samples.Weights));
            using var model = pipeline.Fit(data);
            features = model.Transform(data);
            Compare(features);
        }

        void Compare(IDataView view)
        {
            float[][] actual = [.. view.GetColumn<float[]>("Features")];
            Assert.HasCount(Samples.Expected.Count, actual);
            for (int i = 0; i < actual.Length; i++)
            {
                float[] expected = Samples.Expected[i].Features;
                Assert.HasCount(expected.Length, actual[i]);
                double error = Math.Sqrt(expected.Zip(actual[i], (e, a) => Math.Pow(e - a, 2)).Sum() / expected.Sum(e => e * e));
                Assert.IsLessThan(1e-5, error, Samples.Expected[i].Path);
            }
        }
    }

    /// <summary>What ML.NET's decoder keeps: all but 16 bits and colours under alpha, which only paths and bytes have right.</summary>
    [TestMethod]
    public void Loaded_images_have_the_features_of_their_files()
    {
        var context = new MLContext(seed: 1);
        string folder = Path.Combine(Samples.Root, "test", "data", "images");
        IDataView data = context.Data.LoadFromEnumerable(Directory.EnumerateFiles(folder).Select(f => new Picture { Path = Path.GetFileName(f) }).Where(p => p.Path is not ("gray16.png" or "rgba.png")));
        IDataView loaded = context.Transforms.LoadImages("Image", folder, "Path").Fit(data).Transform(data);
        using FeaturizerTransformer images = context.Transforms.TimmFeatures("Features", "Image", Samples.Options).Fit(loaded);
        using FeaturizerTransformer paths = context.Transforms.TimmFeatures("Features", "Path", Samples.Options with { ImageFolder = folder }).Fit(data);
        float[][] expected = [.. paths.Transform(data).GetColumn<float[]>("Features")], actual = [.. images.Transform(loaded).GetColumn<float[]>("Features")];
        Assert.HasCount(20, expected);
        for (int i = 0; i < expected.Length; i++)
            CollectionAssert.AreEqual(expected[i], actual[i], $"picture {i}");
    }

    [TestMethod]
    public void A_pipeline_trains_saves_loads_and_predicts_the_same()
    {
        var context = new MLContext(seed: 1);
        IDataView data = context.Data.LoadFromEnumerable(Samples.All);
        var split = context.Data.TrainTestSplit(data, testFraction: 0.3, seed: 1);
        var pipeline = context.Transforms.Conversion.MapValueToKey("Label")
            .Append(context.Transforms.LoadImages("Image", Samples.Pictures, "Path"))
            .Append(context.Transforms.TimmFeatures("Features", "Image", Samples.Options))
            .AppendCacheCheckpoint(context)
            .Append(context.Transforms.NormalizeMeanVariance("Features"))
            .Append(context.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(context.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(split.TrainSet);
        double accuracy = context.MulticlassClassification.Evaluate(model.Transform(split.TestSet)).MicroAccuracy;
        Assert.IsGreaterThan(0.75, accuracy);

        using var file = new MemoryStream();
        context.Model.Save(model, data.Schema, file);
        file.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(file, out _);
        string[] before = [.. model.Transform(split.TestSet).GetColumn<string>("PredictedLabel")];
        string[] after = [.. loaded.Transform(split.TestSet).GetColumn<string>("PredictedLabel")];
        CollectionAssert.AreEqual(before, after);

        using var engine = context.Model.CreatePredictionEngine<Picture, Prediction>(loaded);
        Picture[] pictures = [.. context.Data.CreateEnumerable<Picture>(split.TestSet, reuseRowObject: false).Take(5)];
        for (int i = 0; i < pictures.Length; i++)
            Assert.AreEqual(before[i], engine.Predict(pictures[i]).PredictedLabel);
    }

    private sealed class Prediction
    {
        public string PredictedLabel { get; set; } = "";
    }
}
