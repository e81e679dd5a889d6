using System.CommandLine;
using Backbones;
using Backbones.Registry;
using Backbones.Weights;
using TimmFeatures.Cli.Conversion;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>convert</c>: any checkpoint as timm's safetensors.</summary>
internal static class ConvertCommand
{
    private const string Ending = ".safetensors";

    /// <summary>What was written.</summary>
    public sealed record Converted(string Model, string File, int Tensors, int NumClasses, string Sha256);

    /// <summary>Endings of weights files that are not written here; any other name is a folder's.</summary>
    private static readonly string[] s_otherEndings = [".pth", ".pt", ".bin", ".ckpt", ".tar", ".npz", ".pkl", ".h5", ".onnx", ".json", ".zip", ".gguf"];

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A checkpoint: safetensors, .pth, .pt, .bin, TorchScript, the index of several files, or a folder with one. Nothing in it is run. "
                + $"Or the NuGet package {DnnFeaturizerNetwork.PackageId}, whose network is pretrained: its folder or .nupkg file.",
        };
        var model = new Option<string?>("--model") { Description = "timm's name of the model; without it the model that has these keys and shapes is looked for.", HelpName = "NAME" };
        var keyPrefix = new Option<string?>("--key-prefix") { Description = "What stands before the model's keys where the file has a larger model's ('backbone.').", HelpName = "PREFIX" };
        Option<string> output = CommonOptions.Output($"What to write: a name that ends in {Ending} is the weights file alone, any other a folder in timm's layout, with config.json beside model{Ending}.", "PATH");
        output.Validators.Add(result =>
        {
            if (result.Tokens is [var path] && s_otherEndings.FirstOrDefault(e => path.Value.EndsWith(e, StringComparison.OrdinalIgnoreCase)) is { } ending)
                result.AddError($"--output '{path.Value}' is not valid: {ending} files are not written; expected a name that ends in {Ending}, or a folder's.");
        });
        Option<bool> json = CommonOptions.Json();
        var config = new ConfigOptionSet();
        var command = new Command("convert", "Writes a checkpoint's weights as safetensors under timm's keys.") { file, model, keyPrefix, output, json };
        config.AddTo(command);
        HelpWithExamples.Add(command, "timm-features convert checkpoint.pth -o resnet50.safetensors --model resnet50", "timm-features convert detector.pth --key-prefix backbone. -o backbone.safetensors",
            "timm-features convert encoder.bin -o weights/vit_giant_patch14_224.mine --model vit_giant_patch14_224 --model-args '{\"init_values\": 1e-5, \"reg_tokens\": 8}'",
            $"timm-features convert packages/{DnnFeaturizerNetwork.PackageId.ToLowerInvariant()}/0.23.1 -o weights/{DnnFeaturizerNetwork.Config.Name}");
        command.SetAction(result => Run(terminal, result.GetValue(file)!, result.GetValue(model), result.GetValue(keyPrefix), ConfigPatch.ToOverlay(config.Read(result)), result.GetValue(output)!, result.GetValue(json)));
        return command;
    }

    private static int Run(Terminal terminal, string file, string? model, string? keyPrefix, Func<PretrainedConfig, PretrainedConfig>? overlay, string output, bool json)
    {
        CommonOptions.KeepInputs("--output", output, file);
        using Backbone backbone = Open(file, model, keyPrefix, overlay);
        string written = output;
        CommonOptions.KeepInputs("--output", output.EndsWith(Ending, StringComparison.OrdinalIgnoreCase) ? output : Path.Combine(output, $"model{Ending}"), backbone.Parameters.Source);
        if (!output.EndsWith(Ending, StringComparison.OrdinalIgnoreCase))
            ModelFolder.Write(output, ConfigOf(backbone.Config, model, output), backbone.NumFeatures, path => backbone.SaveWeights(written = path));
        else if (!backbone.Config.MeanImage && ModelArgs.OfFamily(backbone.Config).IsEmpty)
        {
            AtomicFile.MakeFolderOf(output);
            backbone.SaveWeights(output);
        }
        else
            throw new UsageException($"--output '{output}' would be weights that no model by name has: those of '{backbone.Name}' need a config.json beside them. Give a folder, such as '{Path.Combine(Path.GetDirectoryName(output) ?? "", backbone.Name)}'.");
        using ParameterStore store = ParameterStore.Open(written);
        var converted = new Converted(backbone.Config.Architecture, written, store.Tensors.Length, backbone.Config.NumClasses, store.ContentHash);
        if (json)
            terminal.Json(converted);
        else
            terminal.Out.WriteLine($"Wrote {written}: {converted.Tensors} tensors of {converted.Model}.");
        return ExitCode.Success;
    }

    private static Backbone Open(string file, string? model, string? keyPrefix, Func<PretrainedConfig, PretrainedConfig>? overlay)
    {
        if (!DnnFeaturizerNetwork.IsAt(file))
            return Backbone.Create(model ?? Guess(file, keyPrefix), new BackboneOptions { WeightsPath = file, KeyPrefix = keyPrefix, ConfigOverlay = overlay });
        if ((model ?? keyPrefix) is not null || overlay is not null)
            throw new UsageException($"--model, --key-prefix and what changes its config do not go with '{file}': what its network is, is known ({DnnFeaturizerNetwork.Config.Name}).");
        return Backbone.FromParameters(DnnFeaturizerNetwork.Config, DnnFeaturizerNetwork.Read(file), ownsParameters: true);
    }

    /// <summary>What config.json says: where the weights came from is not known, and their tag only where it was named.</summary>
    private static PretrainedConfig ConfigOf(PretrainedConfig config, string? model, string folder)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), architecture = $"{config.Architecture}.";
        bool isNamed = config == DnnFeaturizerNetwork.Config || (model is not null && ModelName.Parse(model).Tag.Length > 0);
        config = config with { Url = null, HfHubId = null, HfHubFilename = null };
        return isNamed ? config : config with { Tag = name.StartsWith(architecture, StringComparison.Ordinal) ? name[architecture.Length..] : "", License = null };
    }

    private static string Guess(string file, string? keyPrefix)
    {
        if (Directory.Exists(file))
            return $"local-dir:{file}";
        using ParameterStore weights = ParameterStore.Open(file, keyPrefix);
        return LikelyModel.FindAll(weights) switch
        {
            [var model] => model,
            [] => throw new ArgumentException($"'{file}' has {weights.Tensors.Length} tensors, the first of which is '{weights.Tensors.FirstOrDefault()?.Name}'; no model has these keys and shapes. "
                + "Name the model with --model, or what stands before its keys with --key-prefix."),
            var several => throw new ArgumentException($"'{file}' has the keys and shapes of {several.Count} models: {string.Join(", ", several.Select(m => $"'{m}'"))}. Name the one that it is of with --model."),
        };
    }
}
