using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures;
using Spectre.Console;

namespace Classify;

internal sealed record JobSettings(FeaturizerOptions Featurizer, string Images, double TestFraction, string SavePath);

/// <summary>The main job: pictures → features → classifier → evaluation → saved model → the same predictions in a new process.</summary>
internal static class TrainingJob
{
    public static int Run(JobSettings settings)
    {
        if (settings.TestFraction is <= 0 or >= 1)
            throw new ArgumentException($"The test fraction is {settings.TestFraction}; valid is anything between 0 and 1.");
        if (Directory.Exists(settings.SavePath))
            throw new ArgumentException($"'{settings.SavePath}' is a folder; expected the name of a file to save the pipeline to.");
        IReadOnlyList<Picture> pictures = PictureFolder.Read(settings.Images);
        string[] labels = [.. pictures.Select(p => p.Label).Distinct()];
        Report.Prepare();
        AnsiConsole.MarkupLineInterpolated($"[bold]{pictures.Count}[/] pictures of [bold]{labels.Length}[/] classes in {settings.Images}");

        var context = new MLContext(seed: 1);
        using var progress = new ProgressDisplay();
        FeaturizerOptions options = settings.Featurizer with { Progress = progress };
        IDataView data = context.Data.LoadFromEnumerable(pictures);
        var split = context.Data.TrainTestSplit(data, settings.TestFraction, seed: 1);
        foreach ((IDataView part, string use) in ((IDataView, string)[])[(split.TrainSet, "left to learn from"), (split.TestSet, "held out")])
        {
            if (!part.GetColumn<string>("Label").Any())
                throw new ArgumentException(FormattableString.Invariant($"With a test fraction of {settings.TestFraction} none of the {pictures.Count} pictures is {use}; more pictures are needed, or another fraction."));
        }
        var times = new StageTimes();

        // Features are cached: the classifier reads them many times, the backbone runs once for every picture.
        using var featurizer = times.Measure("load the backbone", () => context.Transforms.TimmFeatures("Features", "Path", options).Fit(data));
        IDataView train = times.Measure("featurize the training pictures", () => Materialise(context, featurizer.Transform(split.TrainSet), progress, "training pictures"));
        IDataView test = times.Measure("featurize the held-out pictures", () => Materialise(context, featurizer.Transform(split.TestSet), progress, "held-out pictures"));
        progress.Dispose();

        var classifier = context.Transforms.Conversion.MapValueToKey("Label")
            .Append(context.Transforms.NormalizeMeanVariance("Features"))
            .AppendCacheCheckpoint(context)
            .Append(context.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(context.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var trained = times.Measure("train the classifier", () => classifier.Fit(train));
        IDataView predictions = trained.Transform(test);
        MulticlassClassificationMetrics metrics = times.Measure("evaluate", () => context.MulticlassClassification.Evaluate(predictions));

        Directory.CreateDirectory(Path.GetDirectoryName(settings.SavePath)!);
        var model = new TransformerChain<ITransformer>(featurizer, trained);
        times.Measure("save the pipeline", () => context.Model.Save(model, data.Schema, settings.SavePath));

        string[] predicted = [.. predictions.GetColumn<string>("PredictedLabel")];
        string[] paths = [.. predictions.GetColumn<string>("Path")];
        string[] actual = [.. test.GetColumn<string>("Label")];
        string[] reloaded = times.Measure("load and predict in a new process", () => PredictionJob.InNewProcess(settings.SavePath, paths));

        Report.Print(settings, labels, actual, predicted, metrics, times, pictures.Count);
        int same = reloaded.Zip(predicted, (a, b) => a == b ? 1 : 0).Sum();
        AnsiConsole.MarkupLineInterpolated($"The pipeline saved to {settings.SavePath} ({new FileInfo(settings.SavePath).Length / 1e6:0.0} MB), loaded in a new process, predicts the same for {same} of {predicted.Length} pictures.");
        return same == predicted.Length ? 0 : 1;
    }

    private static IDataView Materialise(MLContext context, IDataView view, ProgressDisplay progress, string what)
    {
        progress.Begin(what);
        IDataView cached = context.Data.Cache(view);
        foreach (var _ in cached.GetColumn<VBuffer<float>>("Features"))
        {
        }
        return cached;
    }
}

/// <summary>How long each stage took.</summary>
internal sealed class StageTimes
{
    private readonly List<(string Stage, TimeSpan Time)> _times = [];

    public IReadOnlyList<(string Stage, TimeSpan Time)> All => _times;

    public TimeSpan Featurizing => _times.Where(t => t.Stage.StartsWith("featurize", StringComparison.Ordinal)).Aggregate(TimeSpan.Zero, (sum, t) => sum + t.Time);

    public T Measure<T>(string stage, Func<T> work)
    {
        var watch = Stopwatch.StartNew();
        T result = work();
        _times.Add((stage, watch.Elapsed));
        return result;
    }

    public void Measure(string stage, Action work) => Measure(stage, () =>
    {
        work();
        return true;
    });
}
