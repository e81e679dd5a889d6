using System.CommandLine;
using System.Text.Json.Nodes;
using Backbones;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights.Hub;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Options;

/// <summary>Which model, with which weights: what all commands that open one have in common.</summary>
/// <param name="downloads">Whether weights that are not here are downloaded.</param>
internal sealed class ModelArguments(bool downloads = true)
{
    /// <summary>As in FeaturizerOptions.</summary>
    private const int MaxImageSize = 16384;

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "Weights file (safetensors, .pth, the index of several files) or folder. Without it they are found by the model's name" + (downloads ? " and downloaded if need be." : "."),
        HelpName = "PATH",
    };

    private readonly Option<string?> _keyPrefix = new("--key-prefix") { Description = "What stands before the model's keys where the file has a larger model's ('backbone.').", HelpName = "PREFIX" };
    private readonly Option<bool> _random = new("--random-weights") { Description = "Weights made from their names, always the same: to try a model without its weights. The features mean nothing then." };
    private readonly Option<int?> _imageSize = CommonOptions.Count("--image-size", "Input height and width in pixels instead of the model's own.", "PIXELS", MaxImageSize);
    private readonly Option<bool> _testSize = new("--use-test-size") { Description = "The input size and crop that test best, where the weights' config has them." };
    private readonly ConfigOptionSet _config = new();
    private readonly Option<string?> _cacheDir = CommonOptions.CacheDir();
    private readonly Option<bool> _offline = new("--offline") { Description = "Never download: weights that are not on this machine are an error." };

    /// <summary>timm's name.</summary>
    public Argument<string> Model { get; } = new("MODEL") { Description = "timm's name (resnet50.a1_in1k), hf-hub:organization/model, local-dir:PATH, or torchvision/resnet50." };

    /// <summary>Puts the options (and the argument, if it is none of its own) on a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="withArgument">Whether the model is its argument.</param>
    public void AddTo(Command command, bool withArgument = true)
    {
        if (withArgument)
            command.Arguments.Add(Model);
        foreach (Option option in (Option[])[_weights, _keyPrefix, _random, _imageSize, _testSize, _cacheDir, _offline])
            command.Options.Add(option);
        _config.AddTo(command);
    }

    /// <summary>Refuses model and images in the other order, an ordinary mistake: that there is no such image would not lead to it.</summary>
    /// <exception cref="UsageException">The model is a path, and one of the images a model.</exception>
    public void CheckOrder(ParseResult result, params IEnumerable<string> images)
    {
        string model = result.GetValue(Model)!;
        if (Path.Exists(model) && !ModelNames.IsArchitecture(model) && images.FirstOrDefault(i => !Path.Exists(i) && ModelNames.IsArchitecture(i.Split('.')[0])) is { } swapped)
            throw new UsageException($"'{swapped}' is a model and '{model}' a path; expected the model first.");
    }

    /// <summary>What is changed about the weights' config; null for nothing.</summary>
    /// <exception cref="UsageException">The arguments of create_model are none.</exception>
    public JsonObject? ReadConfig(ParseResult result) => _config.Read(result);

    /// <summary>What the options say.</summary>
    /// <exception cref="UsageException">Random weights are asked for, and a file's.</exception>
    public BackboneOptions Read(ParseResult result, Terminal terminal)
    {
        foreach (Option<string?> ofFile in (Option<string?>[])[_weights, _keyPrefix])
        {
            if (result.GetValue(_random) && result.GetValue(ofFile) is { } given)
                throw new UsageException($"{_random.Name} and {ofFile.Name} '{given}' cannot be asked for at once; expected one of them.");
        }
        return new()
        {
            WeightsPath = result.GetValue(_weights),
            KeyPrefix = result.GetValue(_keyPrefix),
            RandomWeights = result.GetValue(_random),
            ImageSize = result.GetValue(_imageSize) is { } size ? (Size2)size : null,
            UseTestSize = result.GetValue(_testSize),
            ConfigOverlay = ConfigPatch.ToOverlay(_config.Read(result)),
            Download = result.GetValue(_offline) ? DownloadMode.Never : DownloadMode.WhenMissing,
            CacheDir = result.GetValue(_cacheDir),
            DownloadProgress = new DownloadLines(terminal),
        };
    }
}

/// <summary>Tells of downloads on standard error: a line when one begins, ends or is tried again.</summary>
internal sealed class DownloadLines(Terminal terminal) : IProgress<DownloadProgress>
{
    public void Report(DownloadProgress value)
    {
        if (value.Stage != DownloadStage.Receiving)
            terminal.Error.WriteLine(value);
    }
}
