#:project ../../src/Microsoft.ML.TimmFeatures.AutoML/Microsoft.ML.TimmFeatures.AutoML.csproj
#:property PublishAot=false

// Lets ML.NET's AutoML choose pooling and image size (backbones too, where there are several), saves the best model and loads it again.
// dotnet run -c Release samples/apps/automl.cs         (needs Microsoft.ML.AutoML)
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures;
using Microsoft.ML.TimmFeatures.AutoML;

string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
var mlContext = new MLContext(seed: 1);
IDataView data = mlContext.Data.LoadFromEnumerable(Directory.EnumerateFiles(Path.Combine(samples, "textures"), "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
    .Where((_, i) => i % 3 == 0)
    .Select(path => new Picture { Path = path, Label = Path.GetFileName(Path.GetDirectoryName(path))! }));
var split = mlContext.Data.TrainTestSplit(data, testFraction: 0.3, seed: 1);

var sweep = new TimmFeaturesSweep
{
    Models = ["test_resnet.textures16"],
    Pools = ["avg", "max"],
    ImageSizes = [96, 160],
    Options = new FeaturizerOptions { WeightsPath = Path.Combine(samples, "weights", "test_resnet.textures16") },
};
SweepablePipeline pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
    .Append(mlContext.Auto().TimmFeatures("Features", "Path", sweep))
    .Append(mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy());

// Random search: ML.NET's other tuners hardly vary choices.
TrialResult best = mlContext.Auto().CreateExperiment()
    .SetPipeline(pipeline)
    .SetMulticlassClassificationMetric(MulticlassClassificationMetric.MicroAccuracy, labelColumn: "Label")
    .SetDataset(split.TrainSet, split.TestSet)
    .SetRandomSearchTuner(seed: 3)
    .SetMaxModelToExplore(3)
    .Run();
Console.WriteLine($"The best of 3 trials has an accuracy of {best.Metric:P1}.");

string file = Path.Combine(Path.GetTempPath(), $"timm-features-automl-{Environment.ProcessId}.zip");
mlContext.Model.Save(best.Model, data.Schema, file);
IDataView expected = best.Model.Transform(split.TestSet), predictions = new MLContext().Model.Load(file, out _).Transform(split.TestSet);
bool same = predictions.GetColumn<uint>("PredictedLabel").SequenceEqual(expected.GetColumn<uint>("PredictedLabel"));
Console.WriteLine($"Saved and loaded: the predictions are {(same ? "the same" : "different")}.");
File.Delete(file);
return same ? 0 : 1;

internal sealed class Picture
{
    public string Path { get; set; } = "";

    public string Label { get; set; } = "";
}
