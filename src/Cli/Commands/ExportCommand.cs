using System.CommandLine;
using Backbones;
using Backbones.Weights;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>export</c>: a model for other runtimes, or its weights.</summary>
internal static class ExportCommand
{
    /// <summary>What was written.</summary>
    public sealed record Exported(string Model, string? Onnx, string? Torchscript, string? Safetensors, IReadOnlyList<Output> Outputs);

    /// <summary>An output of the exported graph.</summary>
    public sealed record Output(string Name, int[] Shape);

    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments();
        var selection = new SelectionOptions();
        Option<string?> onnx = File("--onnx", "An ONNX file (opset 17, any batch size)."), torchScript = File("--torchscript", "A TorchScript file for torch.jit.load."),
            safetensors = File("--safetensors", "The weights under timm's keys: all of them, or those that the features asked for need.");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("export", "Writes a model's features (pooled ones unless others are asked for) as files for other runtimes, or its weights.");
        model.AddTo(command);
        foreach (Option option in (Option[])[onnx, torchScript, safetensors])
            command.Options.Add(option);
        selection.AddTo(command);
        command.Options.Add(json);
        HelpWithExamples.Add(command, "timm-features export resnet50.a1_in1k --onnx resnet50.onnx", "timm-features export resnet50.a1_in1k --logits --torchscript classifier.pt",
            "timm-features export convnext_tiny.fb_in1k --pyramid --indices 1,2 --safetensors levels.safetensors --onnx levels.onnx");
        command.SetAction(result =>
        {
            (string? toOnnx, string? toTorchScript, string? toSafetensors) = (result.GetValue(onnx), result.GetValue(torchScript), result.GetValue(safetensors));
            if (toOnnx is null && toTorchScript is null && toSafetensors is null)
                throw new UsageException("Nothing to write; expected --onnx FILE, --torchscript FILE, --safetensors FILE or several of them.");
            FeatureSelection? asked = selection.Read(result);
            FeatureSelection wanted = asked ?? FeatureSelection.Pooled();
            BackboneOptions options = model.Read(result, terminal);
            using Backbone backbone = Backbone.Create(result.GetValue(model.Model)!, options);
            foreach (Option<string?> to in (Option<string?>[])[onnx, torchScript, safetensors])
                CommonOptions.KeepInputs(to.Name, result.GetValue(to), options.WeightsPath, backbone.Parameters.Source);
            if (((string?[])[toOnnx, toTorchScript, toSafetensors]).OfType<string>().GroupBy(Path.GetFullPath).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new UsageException($"'{twice.First()}' is the name of two outputs; expected a name for each.");
            SelectedFeatures selected = backbone.Select(wanted);
            foreach (string path in ((string?[])[toOnnx, toTorchScript, toSafetensors]).OfType<string>())
                AtomicFile.MakeFolderOf(path);
            if (toOnnx is not null)
                backbone.ExportOnnx(wanted, toOnnx);
            if (toTorchScript is not null)
                backbone.ExportTorchScript(wanted, toTorchScript);
            if (toSafetensors is not null)
                backbone.SaveWeights(toSafetensors, asked);
            if (result.GetValue(json))
            {
                terminal.Json(new Exported(backbone.Name, toOnnx, toTorchScript, toSafetensors, [.. selected.Outputs.Select(o => new Output(o.Name, [.. o.Shape]))]));
                return ExitCode.Success;
            }
            foreach (string path in ((string?[])[toOnnx, toTorchScript]).OfType<string>())
                terminal.Out.WriteLine($"Wrote {path}: {string.Join(", ", selected.Outputs.Select(o => $"{o.Name} {o.Shape}"))}.");
            if (toSafetensors is not null)
                terminal.Out.WriteLine($"Wrote {toSafetensors}.");
            return ExitCode.Success;
        });
        return command;
    }

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
