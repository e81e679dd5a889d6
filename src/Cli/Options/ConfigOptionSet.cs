using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones.Registry;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Options;

/// <summary>What the weights' config says and is wanted otherwise: <c>--crop-pct</c>, <c>--crop-mode</c>, <c>--interpolation</c> and <c>--model-args</c> (timm's <c>--model-kwargs</c>).</summary>
internal sealed class ConfigOptionSet
{
    private readonly Option<double?> _cropPct = new("--crop-pct") { Description = "Part of the resized picture's side that the crop keeps, instead of the weights' own; above 1 leaves a border.", HelpName = "NUMBER" };
    private readonly Option<string?> _cropMode = new("--crop-mode") { Description = "What becomes of pictures of another shape: the middle of them, or all of them squashed or with a border." };
    private readonly Option<string?> _interpolation = new("--interpolation") { Description = "Filter that pictures are resized with, instead of the weights' own." };

    private readonly Option<string?> _modelArgs = new("--model-args")
    {
        Description = "Arguments of timm's create_model that the weights need and their config.json does not have: '{\"init_values\": 1e-5, \"reg_tokens\": 4}'.",
        HelpName = "JSON",
    };

    public ConfigOptionSet()
    {
        _cropMode.AcceptOnlyFromAmong("center", "squash", "border");
        _interpolation.AcceptOnlyFromAmong("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos");
        _cropPct.Validators.Add(result =>
        {
            if (result.Tokens is [var text] && double.TryParse(text.Value, CultureInfo.InvariantCulture, out double part) && part is not (> 0 and <= 100))
                result.AddError($"--crop-pct {text.Value} is not valid; expected a number above 0, usually 0.8 to 1.");
        });
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_cropPct, _cropMode, _interpolation, _modelArgs])
            command.Options.Add(option);
    }

    /// <summary>What is changed about the config (<see cref="ConfigPatch"/>); null for nothing.</summary>
    /// <exception cref="UsageException">The arguments of create_model are none.</exception>
    public JsonObject? Read(ParseResult result)
    {
        JsonObject changes = [];
        if (result.GetValue(_cropPct) is { } part)
            (changes["crop_pct"], changes["test_crop_pct"]) = (part, null);
        if (result.GetValue(_cropMode) is { } mode)
            changes["crop_mode"] = mode;
        if (result.GetValue(_interpolation) is { } filter)
            changes["interpolation"] = filter;
        if (result.GetValue(_modelArgs) is { } arguments)
            changes["model_args"] = ReadArguments(arguments);
        return changes.Count == 0 ? null : changes;
    }

    private JsonObject ReadArguments(string json)
    {
        try
        {
            // Checked before any model is opened; whether the family takes them is seen then.
            _ = new PretrainedConfig { Architecture = "" }.WithModelArgs(json);
            JsonObject arguments = JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false })!.AsObject();
            // As for timm, null is the same as nothing; in a patch it would take an argument away.
            foreach (string name in arguments.Where(a => a.Value is null).Select(a => a.Key).ToArray())
                arguments.Remove(name);
            return arguments;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw new UsageException($"{_modelArgs.Name} '{json}' is not valid: {e.Message}");
        }
    }
}
