using System.CommandLine;
using System.Globalization;
using Backbones;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>extract</c>: from images to a file of features.</summary>
internal static class ExtractCommand
{
    /// <summary>What was written.</summary>
    public sealed record Extracted(string File, string Report, string Model, int Rows, int Failed, int Computed, double Seconds, double ImagesPerSecond, IReadOnlyList<FeatureColumn> Outputs);

    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments();
        var selection = new SelectionOptions();
        var engine = new EngineOptionSet();
        var images = new Argument<string[]>("IMAGES") { Description = "Images, folders, patterns, .csv and .tsv tables of paths, .zip and .tar archives, - for a list of paths on standard input.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = CommonOptions.Output("The file to write: .parquet, .npy, .npz, .safetensors, .csv, .arrow, .feather or .idv (ML.NET).");
        var folder = new Option<string?>("--image-folder") { Description = "Where relative paths of lists and tables start from; the current directory unless given.", HelpName = "FOLDER" };
        var pathColumn = new Option<string?>("--path-column") { Description = "The column of tables that has the paths; path, file_name, filename, image, image_path or file unless given.", HelpName = "NAME" };
        Option<int?> batch = CommonOptions.Count("--batch", "Images computed together; as many as suit their size unless given. The features do not depend on it.", most: CommonOptions.MaxBatch);
        var exif = new Option<bool>("--exif") { Description = "Turn photographs upright by their EXIF orientation. timm does not." };
        var resume = new Option<bool>("--resume") { Description = "Go on with what an interrupted run has done; nothing is done where the file is complete." };
        var shard = new Option<string?>("--shard") { Description = "Only part i of n (from 0), into a file of its own; 'auto' in a job array (Slurm, Kubernetes, AWS Batch). 'merge' joins them.", HelpName = "i/n" };
        var badImages = new Option<string>("--bad-images") { Description = "What becomes of images that cannot be read: fail ends the run, skip leaves their rows without features (null) and lists them in the report.", DefaultValueFactory = _ => "fail" };
        badImages.AcceptOnlyFromAmong("fail", "skip");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("extract", "Computes features of images (pooled ones unless others are asked for) and writes them to a file, a row per image in the order asked for.");
        model.AddTo(command);
        command.Arguments.Add(images);
        command.Options.Add(output);
        selection.AddTo(command);
        engine.AddTo(command);
        foreach (Option option in (Option[])[folder, pathColumn, batch, exif, resume, shard, badImages, json])
            command.Options.Add(option);
        HelpWithExamples.Add(command,
            "timm-features extract resnet50.a1_in1k photos -o features.parquet",
            "timm-features extract vit_small_patch14_dinov2 'photos/**/*.jpg' --intermediates --indices -1 -o tokens.npz",
            "find photos -name '*.png' | timm-features extract convnext_tiny - --bad-images skip -o features.arrow",
            "timm-features extract resnet50.a1_in1k labels.csv --path-column file --image-folder photos --resume -o features.safetensors",
            "timm-features extract resnet50.a1_in1k photos --shard auto --resume -o features.parquet");
        command.SetAction(result =>
        {
            model.CheckOrder(result, result.GetValue(images)!);
            var features = new FeatureRequest(result.GetValue(model.Model)!, model.Read(result, terminal), selection.Read(result) ?? FeatureSelection.Pooled(), engine.Engine(result), engine.Threads(result),
                result.GetValue(batch), result.GetValue(exif));
            var request = new ExtractionRequest(features, result.GetValue(shard) is { } part ? Shard.Parse(part, Environment.GetEnvironmentVariable) : null,
                result.GetValue(resume), result.GetValue(badImages) == "skip", result.GetValue(output)!);
            TableFormat.Of(request.Output);
            foreach (string written in FeatureFiles.Of(request.Shard?.FileOf(request.Output) ?? request.Output))
                CommonOptions.KeepInputs(output.Name, written, result.GetValue(images)!);
            using ImageList list = ImageList.Of(result.GetValue(images)!, terminal.In, result.GetValue(folder), result.GetValue(pathColumn));
            ExtractionResult done = new ImageExtraction(request, list.Items).Run(new ExtractionProgress(terminal), terminal.Cancellation);
            Report(terminal, done, result.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    private static void Report(Terminal terminal, ExtractionResult done, bool json)
    {
        ExtractionReport report = done.Report;
        if (report.Failures.Count > 0)
            terminal.Error.WriteLine($"{report.Failures.Count} of {report.Rows} images have no features; {ExtractionReport.PathOf(done.File)} lists them.");
        if (json)
        {
            terminal.Json(new Extracted(done.File, ExtractionReport.PathOf(done.File), report.Settings.Model, report.Rows, report.Failures.Count, done.Computed,
                Math.Round(done.ComputeTime.TotalSeconds, 3), Math.Round(done.ImagesPerSecond, 1), report.Settings.Outputs));
            return;
        }
        string how = done.Computed == 0 ? "they were there already" : string.Create(CultureInfo.InvariantCulture, $"{done.Computed} computed in {done.ComputeTime.TotalSeconds:0.0} s, {done.ImagesPerSecond:0.0} images/s");
        terminal.Out.WriteLine($"{done.File}: {report.Rows} rows of {string.Join(", ", report.Settings.Outputs.Select(o => $"{o.Name} [{string.Join(", ", o.Shape)}]"))}; {how}.");
    }
}
