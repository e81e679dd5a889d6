using System.CommandLine;
using Backbones.Registry;
using Backbones.Weights.Hub;
using TimmFeatures.Cli.Options;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>download</c>: weights onto this machine, to be used without a network later.</summary>
internal static class DownloadCommand
{
    /// <summary>A model whose weights are here.</summary>
    public sealed record Entry(string Name, string File, string? License);

    public static Command Create(Terminal terminal)
    {
        var models = new Argument<string[]>("MODEL") { Description = "Names of models, as for the other commands.", Arity = ArgumentArity.OneOrMore };
        Option<string?> cacheDir = CommonOptions.CacheDir();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("download", "Downloads weights that are not on this machine, into the caches that timm and torch use too, and prints where they are.") { models, cacheDir, json };
        HelpWithExamples.Add(command, "timm-features download resnet50.a1_in1k vit_tiny_patch16_224", "timm-features download hf-hub:timm/convnext_atto.d2_in1k --json");
        command.SetAction(result =>
        {
            var entries = new List<Entry>();
            var downloader = new WeightsDownloader(DownloadMode.WhenMissing, new DownloadLines(terminal), cancellation: terminal.Cancellation, cacheDir: result.GetValue(cacheDir));
            foreach (string name in result.GetValue(models)!)
            {
                LocatedModel located = WeightsLocator.Find(name, downloader: downloader);
                entries.Add(new Entry(located.Config.Name, located.WeightsFile, located.Config.License));
                if (!result.GetValue(json))
                    terminal.Out.WriteLine(located.WeightsFile);
            }
            if (result.GetValue(json))
                terminal.Json(entries);
            return ExitCode.Success;
        });
        return command;
    }
}
