using System.Globalization;
using Microsoft.ML.AutoML;
using Microsoft.ML.Data;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.AutoML.Tests;

[TestClass]
public sealed class SweepTests
{
    private static readonly string s_root = FindRoot();

    [TestMethod]
    public void An_experiment_sweeps_pools_and_sizes_and_its_best_model_loads_in_a_fresh_process()
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

        string file = Path.GetTempFileName();
        try
        {
            context.Model.Save(best.Model, data.Schema, file);
            float[][] before = [.. best.Model.Transform(split.TestSet).GetColumn<float[]>("Score")];
            string[] lines = FreshProcess.Run([file, "Score", .. split.TestSet.GetColumn<string>("Path")]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.HasCount(before.Length, lines);
            for (int i = 0; i < lines.Length; i++)
            {
                float[] after = [.. lines[i].Split(' ').Select(v => float.Parse(v, CultureInfo.InvariantCulture))];
                Assert.HasCount(before[i].Length, after);
                for (int k = 0; k < after.Length; k++)
                    Assert.AreEqual(before[i][k], after[k], 1e-4f);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [TestMethod]
    public void Every_backbone_pool_and_size_that_was_given_can_be_chosen()
    {
        var context = new MLContext();
        var sweep = new TimmFeaturesSweep { Models = ["resnet18", "convnext_tiny"], Pools = ["avg", "max"], ImageSizes = [96, 128], Options = new FeaturizerOptions { RandomWeights = true, BatchSize = 3 } };
        SweepableEstimator features = context.Auto().TimmFeatures("Features", "Image", sweep);
        var found = new HashSet<(string Model, int? Size)>();
        for (int corner = 0; corner < 8; corner++)
        {
            Parameter parameter = features.SearchSpace.SampleFromFeatureSpace([.. Enumerable.Range(0, 3).Select(bit => 0.25 + 0.5 * (corner >> bit & 1))]);
            var chosen = (FeaturizerEstimator)features.BuildFromOption(context, parameter);
            Assert.AreEqual(sweep.Options with { ModelName = chosen.Options.ModelName, ImageSize = chosen.Options.ImageSize }, chosen.Options);
            found.Add((chosen.Options.ModelName, chosen.Options.ImageSize));
        }
        CollectionAssert.AreEquivalent(new (string, int?)[] { ("resnet18", 96), ("resnet18", 128), ("convnext_tiny", 96), ("convnext_tiny", 128) }, found.ToArray());
        Assert.HasCount(1, context.Auto().TimmFeatures("Features", "Image", "resnet18", "resnet34").SearchSpace.Keys);
        Assert.ThrowsExactly<ArgumentException>(() => context.Auto().TimmFeatures("Features", "Image"));
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
