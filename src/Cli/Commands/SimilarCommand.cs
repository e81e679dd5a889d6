using System.CommandLine;
using System.Globalization;
using Backbones;
using Backbones.Engines;
using Backbones.Imaging;
using Backbones.Registry;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>similar</c>: the pictures of an extracted file that are nearest to one.</summary>
internal static class SimilarCommand
{
    private const int DefaultCount = 10;

    public static Command Create(Terminal terminal)
    {
        var index = new Argument<string>("INDEX") { Description = "A file that 'extract' wrote, of any kind, with its report beside it." };
        var image = new Argument<string>("IMAGE") { Description = "The image to look for." };
        var weights = new Option<string?>("--weights") { Description = "The weights that the file was made with, where they are not found by the model's name.", HelpName = "PATH" };
        var keyPrefix = new Option<string?>("--key-prefix") { Description = "What stands before the model's keys in them.", HelpName = "PREFIX" };
        Option<string?> cacheDir = CommonOptions.CacheDir();
        Option<int?> top = CommonOptions.Count("--top", $"How many; {DefaultCount} unless given.");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("similar", "Finds the images of an extracted file whose features are nearest to an image's (cosine similarity, every row compared).") { index, image, top, weights, keyPrefix, cacheDir, json };
        HelpWithExamples.Add(command, "timm-features similar features.parquet cat.jpg", "timm-features similar features.npy cat.jpg --top 3 --json");
        command.SetAction(result =>
        {
            string file = result.GetValue(index)!;
            ExtractionReport report = ExtractionReport.Read(file);
            float[] query = Featurize(report.Settings, result.GetValue(image)!, new BackboneOptions
            {
                WeightsPath = result.GetValue(weights),
                KeyPrefix = result.GetValue(keyPrefix),
                CacheDir = result.GetValue(cacheDir),
                DownloadProgress = new DownloadLines(terminal),
            });
            IReadOnlyList<SimilarImage> found = SimilarRows.Find(report.Open(file), query, result.GetValue(top) ?? DefaultCount, terminal.Cancellation);
            if (result.GetValue(json))
                terminal.Json(found);
            else
                terminal.Table(["similarity", "path"], found.Select(f => (string[])[f.Similarity.ToString("0.0000", CultureInfo.InvariantCulture), f.Path]));
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The image's features as the file's were made.</summary>
    private static float[] Featurize(ExtractionSettings settings, string image, BackboneOptions options)
    {
        bool random = settings.Weights == ExtractionSettings.RandomWeights;
        options = options with
        {
            RandomWeights = random,
            UseTestSize = settings.UseTestSize,
            ImageSize = (settings.Transform.Height, settings.Transform.Width),
            ConfigOverlay = settings.ModelArgs is { } arguments ? config => config.WithModelArgs(arguments) : null,
        };
        // Weights that are given need no tag; what the tag says of the input is in the settings.
        using Backbone backbone = Open(settings.Model, options);
        if (!random && backbone.Parameters.ContentHash != settings.Weights)
        {
            throw new InvalidDataException($"The weights of '{settings.Model}' in '{backbone.Parameters.Source}' are not those that the file was made with (SHA-256 {backbone.Parameters.ContentHash[..8]}… and "
                + $"{settings.Weights[..Math.Min(8, settings.Weights.Length)]}…). Give the right ones by --weights.");
        }
        using FeatureExtractor extractor = backbone.Extract(settings.Selection, EngineProvider.For("cpu").Engine);
        FeatureBatch features = extractor.Run(1, ImageFile.Read(image, new ImageTransform(settings.Transform), settings.ApplyExif));
        return [.. features.Tensors.SelectMany(t => t.Values.ToArray())];
    }

    /// <exception cref="InvalidDataException">The weights were a folder's or a repository's, which the model's name does not tell.</exception>
    private static Backbone Open(string model, BackboneOptions options)
    {
        if (options.WeightsPath is not null)
            return Backbone.Create(ModelName.Parse(model).Id, options);
        try
        {
            return Backbone.Create(model, options);
        }
        catch (UnknownModelException e)
        {
            throw new InvalidDataException($"The file was made with weights of '{model}' that are not found by that name. Give them by --weights.", e);
        }
    }
}
