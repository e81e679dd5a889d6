using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.TimmFeatures;

namespace Bench;

/// <summary>
/// How long users of a saved model wait for its first prediction, in a new process from its first statement on: all that is compiled and read on the way counts,
/// only the start of .NET itself does not. Medians of several processes, in milliseconds.
/// </summary>
internal sealed class FirstPredictionBenchmark(BenchOptions options)
{
    /// <summary>How the program starts itself: this, a saved model and a picture.</summary>
    public const string Argument = "--measure-first-prediction";

    private static readonly string[] s_parts = ["load", "engine", "first prediction", "together", "processors' work", "next prediction"];

    public void Run(string model)
    {
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "bench")).FullName, model + ".zip");
        var context = new MLContext();
        IDataView data = context.Data.LoadFromEnumerable(Array.Empty<Picture>());
        using (FeaturizerTransformer saved = context.Transforms.TimmFeatures("Features", "Path", new FeaturizerOptions { ModelName = model, RandomWeights = true }).Fit(data))
            context.Model.Save(saved, data.Schema, path);
        string picture = Directory.EnumerateFiles(options.Images ?? Path.Combine(Repository.Root, "samples", "textures"), "*.jpg", SearchOption.AllDirectories).First();
        double[][] runs = [.. Enumerable.Range(0, options.Runs).Select(_ => InNewProcess(path, picture))];
        Console.WriteLine($"{model}: {string.Join(", ", s_parts.Select((part, i) => $"{part} {Timing.Median(runs.Select(r => r[i])):0} ms"))}");
    }

    /// <summary>What the new process does: prints the parts.</summary>
    public static void Measure(string model, string picture)
    {
        var watch = Stopwatch.StartNew();
        TimeSpan work = ProcessorTime();
        var context = new MLContext();
        ITransformer loaded = context.Model.Load(model, out _);
        TimeSpan load = watch.Elapsed;
        PredictionEngine<Picture, Prediction> engine = context.Model.CreatePredictionEngine<Picture, Prediction>(loaded);
        TimeSpan make = watch.Elapsed - load;
        engine.Predict(new Picture { Path = picture });
        TimeSpan all = watch.Elapsed;
        work = ProcessorTime() - work;
        engine.Predict(new Picture { Path = picture });
        TimeSpan next = watch.Elapsed - all;
        Console.WriteLine(string.Join(' ', ((TimeSpan[])[load, make, all - load - make, all, work, next]).Select(t => t.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture))));
    }

    private static double[] InNewProcess(string model, string picture)
        => [.. OwnProcess.Run(Argument, model, picture).Split(' ').Select(v => double.Parse(v, CultureInfo.InvariantCulture))];

    private static TimeSpan ProcessorTime()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    private sealed class Picture
    {
        public string Path { get; set; } = "";
    }

    private sealed class Prediction
    {
        public float[] Features { get; set; } = [];
    }
}
