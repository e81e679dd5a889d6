using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

/// <summary>How long users of a saved model wait for its first prediction: all that is compiled and read on the way counts, only the start of .NET itself does not.</summary>
internal static class FirstPrediction
{
    public static void Measure(string model, string picture)
    {
        var watch = Stopwatch.StartNew();
        TimeSpan work = ProcessorTime();
        var context = new MLContext();
        ITransformer loaded = context.Model.Load(model, out _);
        TimeSpan load = watch.Elapsed;
        PredictionEngine<Picture, Prediction> engine = context.Model.CreatePredictionEngine<Picture, Prediction>(loaded);
        TimeSpan make = watch.Elapsed - load;
        int length = engine.Predict(new Picture { Path = picture }).Features.Length;
        TimeSpan all = watch.Elapsed;
        work = ProcessorTime() - work;
        engine.Predict(new Picture { Path = picture });
        TimeSpan next = watch.Elapsed - all;
        Console.WriteLine(string.Join(' ', ((TimeSpan[])[load, make, all - load - make, all, work, next]).Select(t => t.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)).Append($"{length}")));
    }

    private static TimeSpan ProcessorTime()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    private sealed class Prediction
    {
        public float[] Features { get; set; } = [];
    }
}
