#:project ../../src/Microsoft.ML.TimmFeatures/Microsoft.ML.TimmFeatures.csproj
#:property PublishAot=false

// Learns to tell textures apart by a backbone's pooled features, looks at the predictions, saves the pipeline and loads it again.
// dotnet run -c Release samples/apps/getting-started.cs
using Microsoft.ML;
using Microsoft.ML.Data;

string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
string textures = Path.Combine(samples, "textures"), weights = Path.Combine(samples, "weights", "test_resnet.textures16");

var mlContext = new MLContext(seed: 1);
IDataView data = mlContext.Data.LoadFromEnumerable(Directory.EnumerateFiles(textures, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
    .Select(path => new Picture { Path = path, Label = Path.GetFileName(Path.GetDirectoryName(path))! }));
var split = mlContext.Data.TrainTestSplit(data, testFraction: 0.3, seed: 1);

// The cache matters: the trainer reads its data many times, and without it every pass would compute the features anew.
var pipeline = mlContext.Transforms.TimmFeatures("Features", "Path", "test_resnet.textures16", weights)
    .AppendCacheCheckpoint(mlContext)
    .Append(mlContext.Transforms.Conversion.MapValueToKey("Label"))
    .Append(mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
    .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
ITransformer model = pipeline.Fit(split.TrainSet);

IDataView predictions = model.Transform(split.TestSet);
MulticlassClassificationMetrics metrics = mlContext.MulticlassClassification.Evaluate(predictions);
Console.WriteLine($"{metrics.MicroAccuracy:P1} of {predictions.GetColumn<string>("Path").Count()} held-out pictures are told apart correctly.");
Console.WriteLine("Six of them:");
foreach ((string path, string predicted) in predictions.GetColumn<string>("Path").Zip(predictions.GetColumn<string>("PredictedLabel")).Take(6))
    Console.WriteLine($"  {Path.GetRelativePath(textures, path)} looks like {predicted}");

string file = Path.Combine(Path.GetTempPath(), $"timm-features-{Environment.ProcessId}.zip");
mlContext.Model.Save(model, data.Schema, file);
ITransformer loaded = new MLContext().Model.Load(file, out _);
bool same = loaded.Transform(split.TestSet).GetColumn<string>("PredictedLabel").SequenceEqual(predictions.GetColumn<string>("PredictedLabel"));
Console.WriteLine($"Saved ({new FileInfo(file).Length / 1e6:0.0} MB) and loaded: the predictions are {(same ? "the same" : "different")}.");
File.Delete(file);
return same ? 0 : 1;

internal sealed class Picture
{
    public string Path { get; set; } = "";

    public string Label { get; set; } = "";
}
