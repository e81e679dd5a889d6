using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Backbones;
using Backbones.Engines;
using Backbones.Registry;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>bench</c>: how fast a model is on this machine.</summary>
internal static class BenchCommand
{
    /// <summary>The times of one batch size.</summary>
    public sealed record Measured(string Model, string Engine, int Threads, int Batch, int Runs, double MinMsPerImage, double MedianMsPerImage, double ImagesPerSecond);

    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments();
        var selection = new SelectionOptions();
        var engine = new EngineOptionSet();
        var batches = new Option<string>("--batch") { Description = "Batch sizes, separated by commas.", HelpName = "NUMBERS", DefaultValueFactory = _ => "1,8" };
        Option<int?> runs = CommonOptions.Count("--runs", "Runs of each batch size; 10 unless given.");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("bench", "Measures a model's forward pass, without decoding. Weights are random ones unless a file, folder, repository or a name of one's own is given: they do not change the speed.");
        model.AddTo(command);
        selection.AddTo(command);
        engine.AddTo(command);
        foreach (Option option in (Option[])[batches, runs, json])
            command.Options.Add(option);
        HelpWithExamples.Add(command, "timm-features bench resnet50", "timm-features bench mobilenetv3_small_050 --batch 1,16 --threads 1 --json");
        command.SetAction(result =>
        {
            int[] sizes = [.. Sizes(result.GetValue(batches)!)];
            BackboneOptions options = model.Read(result, terminal);
            string name = result.GetValue(model.Model)!;
            // A folder or a repository says what the model is, and has its weights; so have weights of one's own that are found by their name.
            bool random = options.WeightsPath is null && IsRegistered(name);
            using Backbone backbone = Backbone.Create(name, options with { RandomWeights = random });
            DeviceEngine device = engine.Engine(result);
            int threads = engine.Threads(result);
            using FeatureExtractor extractor = backbone.Extract(selection.Read(result) ?? FeatureSelection.Pooled(), device.Engine, new EngineOptions { Threads = threads, Precision = device.Precision });
            Measured[] all = [.. sizes.Select(b => Measure(backbone.Name, device, extractor, threads, b, result.GetValue(runs) ?? 10, terminal.Cancellation))];
            if (result.GetValue(json))
                terminal.Json(all);
            else
                terminal.Table(["batch", "ms per image (least)", "ms per image (median)", "images/s"], all.Select(m => (string[])
                    [m.Batch.ToString(CultureInfo.InvariantCulture), Number(m.MinMsPerImage), Number(m.MedianMsPerImage), m.ImagesPerSecond.ToString("0.0", CultureInfo.InvariantCulture)]));
            return ExitCode.Success;
        });
        return command;
    }

    private static bool IsRegistered(string name)
    {
        ModelName parsed = ModelName.Parse(name);
        return parsed.Source == ModelNameSource.Registry && (ModelNames.ReplacementOf(name) is not null
            || (ModelNames.IsArchitecture(parsed.Id) && (parsed.Tag.Length == 0 || ModelNames.TagsOf(parsed.Id).Contains(parsed.Tag))));
    }

    private static Measured Measure(string model, DeviceEngine device, FeatureExtractor extractor, int threads, int batch, int runs, CancellationToken cancellation)
    {
        var input = new float[checked(batch * extractor.InputShape.Length)];
        for (int i = 0; i < input.Length; i++)
            input[i] = MathF.Sin(i * 0.37f);
        Memory<float>[] outputs = [.. extractor.Outputs.Select(o => new Memory<float>(new float[checked(batch * o.Shape.Length)]))];
        // The first runs compile code and touch memory.
        for (int i = 0; i < 2; i++)
            extractor.Run(batch, input, outputs, cancellation);
        var times = new double[runs];
        for (int i = 0; i < runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            extractor.Run(batch, input, outputs, cancellation);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / batch;
        }
        double median = times.Order().ElementAt(runs / 2);
        return new Measured(model, device.Engine.Name, threads, batch, runs, Math.Round(times.Min(), 4), Math.Round(median, 4), Math.Round(1000 / median, 2));
    }

    private static IEnumerable<int> Sizes(string text) => text.Split(',').Select(t => int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is > 0 and <= CommonOptions.MaxBatch
        ? size : throw new UsageException($"--batch '{text}' is no list of batch sizes from 1 to {CommonOptions.MaxBatch}; expected one such as 1,8."));

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
