using System.CommandLine;
using Backbones;
using Backbones.Weights;
using Microsoft.ML.TimmFeatures.Interactive;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>visualize</c>: what a model sees in an image, as a picture.</summary>
internal static class VisualizeCommand
{
    /// <summary>What was written.</summary>
    public sealed record Drawn(string File, int Width, int Height, IReadOnlyList<Map> Maps);

    /// <summary>A grid of the picture, from left to right.</summary>
    public sealed record Map(string Name, int[] Shape, int? Reduction, string? Module);

    private const int DefaultChannels = 9;

    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments();
        var selection = new SelectionOptions();
        var image = new Argument<string>("IMAGE") { Description = "The image." };
        Option<string> output = CommonOptions.Output("The PNG file to write.", ending: ".png");
        Option<int?> channels = CommonOptions.Count("--channels", $"Channels of each map that are drawn; {DefaultChannels} unless given.", most: 1024);
        var exif = new Option<bool>("--exif") { Description = "Turn the photograph upright by its EXIF orientation." };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("visualize", "Draws features of an image as colour-mapped grids, side by side: all levels of the pyramid unless other features are asked for.");
        model.AddTo(command);
        command.Arguments.Add(image);
        command.Options.Add(output);
        selection.AddTo(command);
        foreach (Option option in (Option[])[channels, exif, json])
            command.Options.Add(option);
        HelpWithExamples.Add(command, "timm-features visualize resnet50.a1_in1k cat.jpg -o maps.png", "timm-features visualize vit_tiny_patch16_224 cat.jpg --intermediates --indices 0,5,11 --channels 16 -o blocks.png");
        command.SetAction(result =>
        {
            CommonOptions.KeepInputs(output.Name, result.GetValue(output), result.GetValue(image));
            model.CheckOrder(result, result.GetValue(image)!);
            AtomicFile.MakeFolderOf(result.GetValue(output)!);
            using Backbone backbone = Backbone.Create(result.GetValue(model.Model)!, model.Read(result, terminal));
            using FeatureExtractor extractor = backbone.Extract(selection.Read(result) ?? FeatureSelection.Pyramid());
            FeatureBatch features = extractor.Run(1, ImageFile.Read(result.GetValue(image)!, extractor.Transform, result.GetValue(exif)), terminal.Cancellation);
            var options = new GridOptions { MaxChannels = result.GetValue(channels) ?? DefaultChannels };
            FeaturePicture picture = FeaturePictures.Row(features.Tensors.Select(t => FeaturePictures.Grid(t, 0, options)));
            picture.Save(result.GetValue(output)!);
            if (result.GetValue(json))
                terminal.Json(new Drawn(result.GetValue(output)!, picture.Width, picture.Height, [.. extractor.Outputs.Select(o => new Map(o.Name, [.. o.Shape], o.Level?.Reduction, o.Level?.Module))]));
            else
                terminal.Out.WriteLine($"{result.GetValue(output)}: {picture.Width}×{picture.Height} pixels, {string.Join(", ", extractor.Outputs.Select(o => $"{o.Name} {o.Shape}"))}.");
            return ExitCode.Success;
        });
        return command;
    }
}
