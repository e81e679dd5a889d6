using System.CommandLine;
using Backbones;
using Backbones.Weights;
using TimmFeatures.Cli.Options;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>convert</c>: any checkpoint as timm's safetensors.</summary>
internal static class ConvertCommand
{
    /// <summary>What was written.</summary>
    public sealed record Converted(string Model, string File, int Tensors, int NumClasses, string Sha256);

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "A checkpoint: safetensors, .pth, .pt, .bin, TorchScript, the index of several files, or a folder with one. Nothing in it is run." };
        var model = new Option<string?>("--model") { Description = "timm's name of the model; without it the model that has these keys and shapes is looked for.", HelpName = "NAME" };
        var keyPrefix = new Option<string?>("--key-prefix") { Description = "What stands before the model's keys where the file has a larger model's ('backbone.').", HelpName = "PREFIX" };
        Option<string> output = CommonOptions.Output("The safetensors file to write, whole or not at all.", ending: ".safetensors");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("convert", "Writes a checkpoint's weights as safetensors under timm's keys.") { file, model, keyPrefix, output, json };
        HelpWithExamples.Add(command, "timm-features convert checkpoint.pth -o resnet50.safetensors --model resnet50", "timm-features convert detector.pth --key-prefix backbone. -o backbone.safetensors");
        command.SetAction(result => Run(terminal, result.GetValue(file)!, result.GetValue(model), result.GetValue(keyPrefix), result.GetValue(output)!, result.GetValue(json)));
        return command;
    }

    private static int Run(Terminal terminal, string file, string? model, string? keyPrefix, string output, bool json)
    {
        model ??= Guess(file, keyPrefix);
        using Backbone backbone = Backbone.Create(model, new BackboneOptions { WeightsPath = file, KeyPrefix = keyPrefix });
        backbone.SaveWeights(output);
        using ParameterStore written = ParameterStore.Open(output);
        var converted = new Converted(backbone.Config.Architecture, output, written.Tensors.Length, backbone.Config.NumClasses, written.ContentHash);
        if (json)
            terminal.Json(converted);
        else
            terminal.Out.WriteLine($"Wrote {output}: {converted.Tensors} tensors of {converted.Model}.");
        return ExitCode.Success;
    }

    private static string Guess(string file, string? keyPrefix)
    {
        if (Directory.Exists(file))
            return $"local-dir:{file}";
        using ParameterStore weights = ParameterStore.Open(file, keyPrefix);
        return LikelyModel.Find(weights) ?? throw new ArgumentException(
            $"'{file}' has {weights.Tensors.Length} tensors, the first of which is '{weights.Tensors.FirstOrDefault()?.Name}'; no model has these keys and shapes. Name the model with --model, or what stands before its keys with --key-prefix.");
    }
}
