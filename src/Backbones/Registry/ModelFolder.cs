using System.Text.Json;
using Backbones.Weights;

namespace Backbones.Registry;

/// <summary>A folder in the layout that timm saves and the Hugging Face Hub holds: config.json and a weights file.</summary>
/// <remarks>Source: timm's <c>load_model_config_from_path</c> and <c>load_state_dict_from_path</c>.</remarks>
public sealed class ModelFolder
{
    /// <summary>Name of the config file.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>timm's usual names, the first that exists counts; then whatever has one of the extensions.</summary>
    private static readonly string[] PreferredFiles =
    [
        "model.safetensors", "pytorch_model.bin", "pytorch_model.pth", "model.pth",
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.pth",
    ];

    private static readonly string[] Extensions = [".safetensors", ".pth", ".pth.tar", ".bin"];

    private ModelFolder(PretrainedConfig config, IReadOnlyDictionary<string, JsonElement> modelArgs)
    {
        Config = config;
        ModelArgs = modelArgs;
    }

    /// <summary>The config, with the architecture that it names.</summary>
    public PretrainedConfig Config { get; }

    /// <summary>Arguments that timm passes to the architecture's builder, such as <c>global_pool</c>; often none.</summary>
    public IReadOnlyDictionary<string, JsonElement> ModelArgs { get; }

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
                : $"There is no folder '{path}'.", file);
        }
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            return Parse(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new WeightsFormatException(file, e is JsonException ? $"not valid JSON: {e.Message}" : e.Message, e);
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
        JsonElement inner = json.TryGetProperty("pretrained_cfg", out JsonElement nested) ? nested : json;
        if (inner.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("'pretrained_cfg' must be an object.");
        }
        PretrainedConfig config = PretrainedConfigReader.Read(inner, architecture, PretrainedConfigReader.Text(inner, "tag") ?? "");
        config = config with
        {
            NumClasses = PretrainedConfigReader.Integer(json, "num_classes") ?? config.NumClasses,
            LabelNames = PretrainedConfigReader.Labels(json) ?? config.LabelNames,
        };

        Dictionary<string, JsonElement> arguments = new(StringComparer.Ordinal);
        if (json.TryGetProperty("model_args", out JsonElement args) && args.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty argument in args.EnumerateObject())
            {
                arguments[argument.Name] = argument.Value.Clone();
            }
        }
        return new ModelFolder(config, arguments);
    }
}
