using System.Diagnostics;
using System.Text.Json;
using Backbones;
using Microsoft.ML;
using Microsoft.ML.TimmFeatures;

namespace Bench;

/// <summary>
/// Images per second of whole ML.NET pipelines over JPEG files, beside the bare engine on prepared tensors: paths (our decoding workers)
/// and LoadImages → TimmFeatures. Rounds of the three alternate, so that they see the same machine.
/// </summary>
internal sealed class PipelineBenchmark(BenchOptions options)
{
    public void Run(string model)
    {
        Picture[] pictures = Picture.In(options.Images);
        var context = new MLContext();
        var settings = new FeaturizerOptions { ModelName = model, RandomWeights = true, Threads = options.Threads, BatchSize = options.Batches[0] == 1 ? 0 : options.Batches[0] };
        IDataView data = context.Data.LoadFromEnumerable(pictures);
        using var fromPaths = context.Transforms.TimmFeatures("Features", "Path", settings).Fit(data);
        using var fromImages = context.Transforms.LoadImages("Image", null, "Path").Append(context.Transforms.TimmFeatures("Features", "Image", settings)).Fit(data);
        using var backbone = Backbone.Create(model, new BackboneOptions { RandomWeights = true });
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled(), engine: null, new Backbones.Engines.EngineOptions { Threads = options.Threads });

        (string Name, Action Pass)[] passes =
        [
            ("engine", () => RunEngine(extractor, pictures.Length, settings.BatchSize == 0 ? 16 : settings.BatchSize)),
            ("paths", () => Picture.Read(fromPaths.Transform(data), "Features", pictures.Length)),
            ("load-images", () => Picture.Read(fromImages.Transform(data), "Features", pictures.Length)),
        ];
        var best = new double[passes.Length];
        for (int round = -1; round < options.Runs; round++)
        {
            for (int i = 0; i < passes.Length; i++)
            {
                var watch = Stopwatch.StartNew();
                passes[i].Pass();
                if (round >= 0)
                    best[i] = Math.Max(best[i], pictures.Length / watch.Elapsed.TotalSeconds);
            }
        }
        for (int i = 0; i < passes.Length; i++)
        {
            Console.WriteLine(options.Json
                ? JsonSerializer.Serialize(new { model, pipeline = passes[i].Name, images = pictures.Length, threads = options.Threads, images_per_second = best[i] })
                : $"{model} {passes[i].Name}: {best[i]:0.0} images/s, {best[i] / best[0]:P0} of the engine, {best[i] / best[2]:0.00} × LoadImages");
        }
    }

    private static void RunEngine(FeatureExtractor extractor, int count, int batch)
    {
        var input = new float[batch * extractor.InputShape.Length];
        var output = new Memory<float>[] { new float[batch * extractor.Outputs[0].Shape.Length] };
        for (int done = 0; done < count; done += batch)
        {
            int n = Math.Min(batch, count - done);
            extractor.Run(n, input.AsMemory(0, n * (int)extractor.InputShape.Length), [output[0][..(n * (int)extractor.Outputs[0].Shape.Length)]]);
        }
    }
}
