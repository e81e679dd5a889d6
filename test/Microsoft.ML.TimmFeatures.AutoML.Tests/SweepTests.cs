using Microsoft.ML.AutoML;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.AutoML.Tests;

[TestClass]
public sealed class SweepTests
{
    private static readonly string s_root = FindRoot();

    [TestMethod]
    public void An_experiment_sweeps_pools_and_sizes_and_its_best_model_saves_and_loads()
    {
        var context = new MLContext(seed: 1);
        IDataView data = context.Data.LoadFromEnumerable(Pictures());
        var split = context.Data.TrainTestSplit(data, 0.3, seed: 1);
        var sweep = new TimmFeaturesSweep
        {
            Models = ["test_resnet.textures16"],
            Pools = ["avg", "max"],
            ImageSizes = [96, 128],
            Options = new FeaturizerOptions
            {
                WeightsPath = Path.Combine(s_root, "samples", "weights", "test_resnet.textures16"),
                ImageFolder = Path.Combine(s_root, "samples", "textures"),
            },
        };
        SweepableEstimator features = context.Auto().TimmFeatures("Features", "Path", sweep);
        var pipeline = context.Transforms.Conversion.MapValueToKey("Label").Append(features)
            .Append(context.MulticlassClassification.Trainers.LbfgsMaximumEntropy());

        AutoMLExperiment experiment = context.Auto().CreateExperiment()
            .SetPipeline(pipeline)
            .SetMulticlassClassificationMetric(MulticlassClassificationMetric.MicroAccuracy, labelColumn: "Label")
            .SetDataset(split.TrainSet, split.TestSet)
            .SetRandomSearchTuner(seed: 3)
            .SetMaxModelToExplore(3);
        TrialResult best = experiment.Run();
        Assert.IsGreaterThan(0.6, best.Metric);

        using var file = new MemoryStream();
        context.Model.Save(best.Model, data.Schema, file);
        file.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(file, out _);
        uint[] before = [.. best.Model.Transform(split.TestSet).GetColumn<uint>("PredictedLabel")];
        uint[] after = [.. loaded.Transform(split.TestSet).GetColumn<uint>("PredictedLabel")];
        CollectionAssert.AreEqual(before, after);
    }

    [TestMethod]
    public void The_search_space_holds_what_was_given()
    {
        SweepableEstimator features = new MLContext().Auto().TimmFeatures("Features", "Image", "resnet18", "resnet34");
        Assert.HasCount(1, features.SearchSpace.Keys);
        Assert.ThrowsExactly<ArgumentException>(() => new MLContext().Auto().TimmFeatures("Features", "Image"));
    }

    private static IEnumerable<Picture> Pictures() => Directory.EnumerateFiles(Path.Combine(s_root, "samples", "textures"), "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Where((_, i) => i % 3 == 0)
        .Select(p => new Picture { Path = Path.GetRelativePath(Path.Combine(s_root, "samples", "textures"), p), Label = Path.GetFileName(Path.GetDirectoryName(p))! });

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }

    private sealed class Picture
    {
        public string Path { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
