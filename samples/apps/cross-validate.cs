#:project ../../src/Microsoft.ML.TimmFeatures/Microsoft.ML.TimmFeatures.csproj
#:property PublishAot=false

// How well a linear classifier tells pictures apart by a backbone's features: five-fold cross-validation for each model named.
// dotnet run -c Release samples/apps/cross-validate.cs [FOLDER [MODEL…]]
// The folder's sub-folders are the labels; without one the textures and the demo weights are taken. More of a model's weights: docs/weights-by-name.md.
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures;

string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
string folder = args.Length > 0 ? args[0] : Path.Combine(samples, "textures");
string[] models = args.Length > 1 ? args[1..] : [$"local-dir:{Path.Combine(samples, "weights", "test_resnet.textures16")}"];

Picture[] pictures = [.. Directory.EnumerateFiles(folder, "*.*", SearchOption.AllDirectories).Where(p => Path.GetExtension(p).ToLowerInvariant() is ".jpg" or ".jpeg" or ".png" or ".webp")
    .Order(StringComparer.Ordinal).Select(path => new Picture { Path = path, Label = Path.GetFileName(Path.GetDirectoryName(path))! })];
foreach (string model in models)
{
    var mlContext = new MLContext(seed: 1);
    IDataView data = mlContext.Data.LoadFromEnumerable(pictures);
    // The features depend on no label: they are computed once, for all folds.
    using FeaturizerTransformer features = mlContext.Transforms.TimmFeatures("Features", "Path", model).Fit(data);
    IDataView cached = mlContext.Data.Cache(features.Transform(data), "Label", "Features");
    var trainer = mlContext.Transforms.Conversion.MapValueToKey("Label")
        .Append(mlContext.Transforms.NormalizeMeanVariance("Features"))
        .Append(mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy());
    double[] accuracies = [.. mlContext.MulticlassClassification.CrossValidate(cached, trainer, numberOfFolds: 5, seed: 1).Select(f => f.Metrics.MicroAccuracy)];
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{model}: {accuracies.Average():P1} of {pictures.Length} pictures of {pictures.Select(p => p.Label).Distinct().Count()} kinds ({string.Join(", ", accuracies.Select(a => a.ToString("P0", CultureInfo.InvariantCulture)))} in the folds)"));
}

internal sealed class Picture
{
    public string Path { get; set; } = "";

    public string Label { get; set; } = "";
}
