using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Registry;

/// <summary>A folder in the layout that timm saves and the Hugging Face Hub holds: config.json and a weights file.</summary>
/// <remarks>Source: timm's <c>load_model_config_from_path</c> and <c>load_state_dict_from_path</c>.</remarks>
internal sealed class ModelFolder
{
    /// <summary>Name of the config file.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>timm's usual names, the first that exists counts; then whatever has one of the extensions.</summary>
    private static readonly string[] PreferredFiles =
    [
        "model.safetensors", "pytorch_model.bin", "pytorch_model.pth", "model.pth",
        "model.safetensors.index.json", "pytorch_model.bin.index.json",
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.pth",
    ];

    /// <summary>What is over these limits is no picture's size and no number of classes, but a mistake or an attack.</summary>
    internal const int MaxChannels = 4096, MaxElements = 1 << 28;

    private const int MaxClasses = 10_000_000, MaxConfigLength = 16 << 20;

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, NewLine = "\n" };

    private static readonly string[] Extensions = [".safetensors", ".pth", ".pth.tar", ".bin"];

    private ModelFolder(PretrainedConfig config) => Config = config;

    /// <summary>The config, with the architecture that it names and the arguments that it is made with (<c>model_args</c>).</summary>
    public PretrainedConfig Config { get; }

    /// <summary>Reads a folder's config.json.</summary>
    /// <exception cref="FileNotFoundException">The folder or its config.json is not there.</exception>
    /// <exception cref="WeightsFormatException">config.json is not what timm writes.</exception>
    public static ModelFolder Read(string path)
    {
        string file = Path.Combine(path, ConfigFile);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException(Directory.Exists(path)
                ? $"The folder '{path}' has no {ConfigFile}, which says what model its weights are for."
                : File.Exists(path) ? $"'{path}' is a file; expected a folder with a {ConfigFile} and weights. A file of weights is given as weights path, beside the model's name."
                : $"There is no folder '{path}'.", file);
        }
        if (new FileInfo(file) is { Length: > MaxConfigLength } large)
        {
            throw new WeightsFormatException(file, $"the file has {large.Length} bytes, a config has at most {MaxConfigLength}.");
        }
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            ModelFolder folder = Parse(document.RootElement);
            CheckLimits(folder.Config);
            return folder;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate in a text.
            throw new WeightsFormatException(file, e is FormatException ? e.Message : $"not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Writes a folder in that layout, whose config.json timm reads as well, as far as it knows the arguments.</summary>
    /// <param name="path">The folder; it is made if it is not there.</param>
    /// <param name="config">What the weights are.</param>
    /// <param name="numFeatures">Channels of the pooled features.</param>
    /// <param name="writeWeights">Writes the weights file, whose name it gets.</param>
    /// <exception cref="IOException">The folder or a file in it cannot be written.</exception>
    public static void Write(string path, PretrainedConfig config, int numFeatures, Action<string> writeWeights)
    {
        AtomicFile.MakeFolderOf(Path.Combine(path, ConfigFile));
        // The weights first: without a config.json the folder is none yet.
        writeWeights(Path.Combine(path, PreferredFiles[0]));
        JsonObject flat = JsonObject.Create(PretrainedConfigWriter.ToJson(config))!, outer = new() { ["architecture"] = config.Architecture, ["num_classes"] = config.NumClasses, ["num_features"] = numFeatures };
        JsonObject inner = [];
        foreach ((string field, JsonNode? value) in flat.Where(f => f.Value is not null && f.Key is not ("architecture" or "model_args")))
            inner[field] = value!.DeepClone();
        outer["pretrained_cfg"] = inner;
        if (ModelArgs.Of(config) is { } arguments)
            outer["model_args"] = arguments;
        AtomicFile.Write(Path.Combine(path, ConfigFile), stream => JsonSerializer.Serialize(stream, outer, s_indented));
    }

    private static void CheckLimits(PretrainedConfig config)
    {
        foreach ((string field, Shape? size) in new[] { ("input_size", config.InputSize), ("test_input_size", config.TestInputSize) })
        {
            if (size is [var channels, var height, var width] && (channels > MaxChannels || (Int128)channels * height * width > MaxElements))
            {
                throw new FormatException($"'{field}' is {size}; a picture may have at most {MaxChannels} channels and {MaxElements} elements.");
            }
        }
        if (config.NumClasses > MaxClasses)
        {
            throw new FormatException($"'num_classes' is {config.NumClasses}; it may be at most {MaxClasses}.");
        }
    }

    /// <summary>The weights file that timm would load from a folder.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string FindWeights(string path) => TryFindWeights(path)
        ?? throw new FileNotFoundException($"The folder '{path}' has no weights: neither {PreferredFiles[0]} nor another file ending in {string.Join(", ", Extensions)}.");

    /// <summary>The same, or null.</summary>
    internal static string? TryFindWeights(string path) => PreferredFiles.Select(f => Path.Combine(path, f)).FirstOrDefault(File.Exists)
        ?? Extensions.SelectMany(e => Directory.GetFiles(path).Where(f => f.EndsWith(e, StringComparison.Ordinal)).Order(StringComparer.Ordinal)).FirstOrDefault();

    private static ModelFolder Parse(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("the config must be an object.");
        }
        string architecture = PretrainedConfigReader.Text(json, "architecture") ?? throw new FormatException("'architecture' is missing.");

        // Old configs hold everything in one object; new ones have the config in an inner one, which the outer fields override.
        bool isNested = json.TryGetProperty("pretrained_cfg", out JsonElement nested);
        JsonElement inner = isNested ? nested : json;
        if (inner.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("'pretrained_cfg' must be an object.");
        }
        PretrainedConfig config = PretrainedConfigReader.Read(inner, architecture, PretrainedConfigReader.Text(inner, "tag") ?? "");
        config = config with
        {
            NumClasses = PretrainedConfigReader.Integer(json, "num_classes") ?? config.NumClasses,
            // Old ones call the names of the classes otherwise.
            LabelNames = PretrainedConfigReader.Labels(json) ?? (isNested ? null : PretrainedConfigReader.Labels(json, "labels")) ?? config.LabelNames,
        };
        return new ModelFolder(ModelArgs.ApplyFrom(config, json));
    }
}
