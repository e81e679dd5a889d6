using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Backbones;
using TimmFeatures.Cli;

namespace Bench;

/// <summary>
/// The whole of <c>timm-features extract</c>, from a folder to a file, beside the same network in ML.NET's own pipeline of LoadImages, ResizeImages, ExtractPixels and ApplyOnnxModel;
/// rounds of both alternate. Cores busy is processor time by time.
/// </summary>
internal sealed class ExtractBenchmark(BenchOptions options)
{
    public void Run(string model)
    {
        Picture[] pictures = Picture.In(options.Images);
        Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "bench"));
        string output = Path.Combine(Repository.Artifacts, "bench", $"{model}.npy");
        using Backbone backbone = Backbone.Create(model, new BackboneOptions { RandomWeights = true });
        (string Name, Action<Picture[]> Pass)[] passes = [("extract", p => Extract(model, p, output)), ("ml.net", OnnxPipeline.Create(backbone))];
        var best = new (double ImagesPerSecond, double Busy)[passes.Length];
        for (int round = -1; round < options.Runs; round++)
        {
            for (int i = 0; i < passes.Length; i++)
            {
                TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
                var watch = Stopwatch.StartNew();
                // The first round compiles code: a part of the images does.
                passes[i].Pass(round < 0 ? pictures[..Math.Min(64, pictures.Length)] : pictures);
                double seconds = watch.Elapsed.TotalSeconds, speed = pictures.Length / seconds;
                if (round >= 0 && speed > best[i].ImagesPerSecond)
                    best[i] = (speed, (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds / seconds);
            }
        }
        for (int i = 0; i < passes.Length; i++)
        {
            Console.WriteLine(options.Json
                ? JsonSerializer.Serialize(new { model, pipeline = passes[i].Name, images = pictures.Length, threads = options.Threads, images_per_second = best[i].ImagesPerSecond, cores_busy = best[i].Busy })
                : $"{model} {passes[i].Name}: {best[i].ImagesPerSecond:0.0} images/s, {best[i].Busy:0.00} cores busy, {best[i].ImagesPerSecond / best[1].ImagesPerSecond:0.00} × ml.net");
        }
    }

    private void Extract(string model, Picture[] pictures, string output)
    {
        string list = string.Join('\n', pictures.Select(p => p.Path));
        string[] arguments = ["extract", model, "-", "--random-weights", "-o", output, "--threads", options.Threads.ToString(CultureInfo.InvariantCulture)];
        int code = CommandLine.Run(arguments, new Terminal(TextWriter.Null, Console.Error, new StringReader(list), CancellationToken.None));
        if (code != ExitCode.Success)
            throw new InvalidOperationException($"'{string.Join(' ', arguments)}' ended with {code}.");
    }
}
