using System.CommandLine;
using System.Globalization;
using System.Text.Json;
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

    /// <summary>The change of the config; null for none.</summary>
    /// <exception cref="UsageException">The arguments are none.</exception>
    public Func<PretrainedConfig, PretrainedConfig>? Read(ParseResult result)
    {
        (double? part, string? mode, string? filter, string? arguments) = (result.GetValue(_cropPct), result.GetValue(_cropMode), result.GetValue(_interpolation), result.GetValue(_modelArgs));
        if ((part, mode, filter, arguments) == default)
            return null;
        return config =>
        {
            config = arguments is null ? config : WithArguments(config, arguments);
            return config with
            {
                CropPct = part ?? config.CropPct,
                TestCropPct = part is null ? config.TestCropPct : null,
                CropMode = mode ?? config.CropMode,
                Interpolation = filter ?? config.Interpolation,
            };
        };
    }

    private PretrainedConfig WithArguments(PretrainedConfig config, string json)
    {
        try
        {
            return config.WithModelArgs(json);
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw new UsageException($"{_modelArgs.Name} '{json}' is not valid: {e.Message}");
        }
    }
}
