using System.Diagnostics;
using System.Text.Json;
using Backbones;
using Microsoft.ML;
using Microsoft.ML.TimmFeatures;
using TimmFeatures.Cli;

namespace Bench;

/// <summary>
/// Images per second over JPEG files of what an ML.NET user would take without us, beside our path column and our column of MLImages: ApplyOnnxModel of the network that we export and,
/// for <see cref="DnnFeaturizerModel"/>, DnnFeaturizeImage. One process; every round begins with another, and medians count.
/// </summary>
internal sealed class PeersBenchmark(BenchOptions options)
{
    /// <summary>The network of DnnFeaturizeImage, whose weights are converted from its package; the others have made-up weights, which cost the same.</summary>
    public const string DnnFeaturizerModel = "resnet18.cntk_in1k";

    private sealed record Pipeline(string Name, bool IsOurs, Action<Picture[]> Pass)
    {
        public List<double> ImagesPerSecond { get; } = [];

        public double Median => Timing.Median(ImagesPerSecond);
    }

    public void Run(string model)
    {
        Picture[] pictures = Picture.In(options.Images);
        var settings = new FeaturizerOptions { ModelName = model, RandomWeights = true, Threads = options.Threads };
        List<Pipeline> peers = [];
        if (model == DnnFeaturizerModel)
        {
            settings = settings with { ModelName = Convert(options.Package), RandomWeights = false };
            peers.Add(new Pipeline("DnnFeaturizeImage", false, DnnFeaturizerPipeline.Create(options.Package!)));
        }
        using (Backbone backbone = Backbone.Create(settings.ModelName, new BackboneOptions { RandomWeights = settings.RandomWeights }))
            peers.Add(new Pipeline("ApplyOnnxModel", false, OnnxPipeline.Create(backbone)));
        var context = new MLContext();
        IDataView none = context.Data.LoadFromEnumerable(Array.Empty<Picture>());
        using FeaturizerTransformer fromPaths = context.Transforms.TimmFeatures("Features", "Path", settings).Fit(none);
        using var fromImages = context.Transforms.LoadImages("Image", null, "Path").Append(context.Transforms.TimmFeatures("Features", "Image", settings)).Fit(none);
        Pipeline[] ours = [new("paths", true, p => Read(fromPaths, p)), new("MLImage", true, p => Read(fromImages, p))];

        Measure([.. ours, .. peers], pictures);
        foreach (Pipeline pipeline in (Pipeline[])[.. ours, .. peers])
        {
            var ratios = peers.Where(_ => pipeline.IsOurs).ToDictionary(p => p.Name, p => Math.Round(Timing.Median([.. pipeline.ImagesPerSecond.Zip(p.ImagesPerSecond, (a, b) => a / b)]), 3));
            Console.WriteLine(options.Json
                ? JsonSerializer.Serialize(new { model, pipeline = pipeline.Name, images = pictures.Length, threads = options.Threads, median_images_per_second = Math.Round(pipeline.Median, 2), ratio_to = ratios })
                : $"{model} {pipeline.Name}: {pipeline.Median:0.0} images/s{string.Concat(ratios.Select(r => $", {r.Value:0.00} × {r.Key}"))}");
        }

        void Read(ITransformer transformer, Picture[] rows) => Picture.Read(transformer.Transform(context.Data.LoadFromEnumerable(rows)), "Features", rows.Length);
    }

    private void Measure(Pipeline[] pipelines, Picture[] pictures)
    {
        foreach (Pipeline pipeline in pipelines)
            pipeline.Pass(pictures[..Math.Min(64, pictures.Length)]);
        for (int round = 0; round < options.Runs; round++)
        {
            for (int i = 0; i < pipelines.Length; i++)
            {
                Pipeline pipeline = pipelines[(round + i) % pipelines.Length];
                long start = Stopwatch.GetTimestamp();
                pipeline.Pass(pictures);
                pipeline.ImagesPerSecond.Add(pictures.Length / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }
    }

    /// <summary>The package's network as a folder of ours, by the command that users have.</summary>
    private static string Convert(string? package)
    {
        if (package is null)
            throw new ArgumentException($"'{DnnFeaturizerModel}' needs its package: 'dotnet package download Microsoft.ML.DnnImageFeaturizer.ResNet18@0.23.1 --output packages', then --package packages/microsoft.ml.dnnimagefeaturizer.resnet18/0.23.1.");
        string folder = Path.Combine(Repository.Artifacts, "bench", DnnFeaturizerModel);
        int code = CommandLine.Run(["convert", package, "-o", folder], new Terminal(TextWriter.Null, Console.Error, TextReader.Null, CancellationToken.None));
        return code == ExitCode.Success ? $"local-dir:{folder}" : throw new ArgumentException($"'{package}' could not be converted.");
    }
}
