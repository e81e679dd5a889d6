using System.IO.Compression;
using System.Text.Json;

namespace Backbones.Registry;

/// <summary>timm's registry, from the embedded file that eng/registry.cs makes, and torchvision's own models. Configs are read when they are asked for.</summary>
internal sealed class RegistryData
{
    /// <summary>The family of torchvision's own models, whose names begin with it and a slash.</summary>
    public const string TorchvisionFamily = "torchvision";

    private static readonly Lazy<RegistryData> Loaded = new(() => new RegistryData());

    private readonly Dictionary<string, Architecture> _architectures = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> _deprecated = new(StringComparer.Ordinal);

    private RegistryData()
    {
        using Stream resource = Open("registry.json.br");
        using BrotliStream brotli = new(resource, CompressionMode.Decompress);
        JsonElement root = JsonDocument.Parse(brotli).RootElement;
        TimmVersion = root.GetProperty("timm").GetString()!;
        foreach (JsonProperty family in root.GetProperty("families").EnumerateObject())
        {
            foreach (JsonProperty architecture in family.Value.GetProperty("architectures").EnumerateObject())
            {
                _architectures.Add(architecture.Name, new Architecture(architecture.Name, family.Name, architecture.Value));
            }
            foreach (JsonProperty name in family.Value.GetProperty("deprecated").EnumerateObject())
            {
                _deprecated.Add(name.Name, name.Value.GetString());
            }
        }
        Families = [.. _architectures.Values.Select(a => a.Family).Distinct().Order(StringComparer.Ordinal)];
        using Stream torchvision = Open("torchvision.json");
        foreach (JsonProperty architecture in JsonDocument.Parse(torchvision).RootElement.EnumerateObject())
        {
            _architectures.Add(architecture.Name, new Architecture(architecture.Name, TorchvisionFamily, architecture.Value));
        }
    }

    public static RegistryData Instance => Loaded.Value;

    /// <summary>The version of timm that the data are from.</summary>
    public string TimmVersion { get; }

    /// <summary>timm's families.</summary>
    public IReadOnlyList<string> Families { get; }

    public IReadOnlyDictionary<string, Architecture> Architectures => _architectures;

    /// <summary>Old names with the names that replace them, or null where a model was removed.</summary>
    public IReadOnlyDictionary<string, string?> Deprecated => _deprecated;

    internal static Stream Open(string file) => typeof(RegistryData).Assembly.GetManifestResourceStream($"Backbones.Registry.{file}")!;

    /// <summary>One architecture: its family (timm's file) and its configs by tag, the default first.</summary>
    public sealed class Architecture(string name, string family, JsonElement configs)
    {
        public string Family => family;

        /// <summary>timm's tags, the default first; one empty tag where there are none.</summary>
        public IReadOnlyList<string> Tags { get; } = [.. configs.EnumerateObject().Select(c => c.Name)];

        public PretrainedConfig Config(string tag)
        {
            PretrainedConfig config = PretrainedConfigReader.Read(configs.GetProperty(tag), name, tag);
            return config.HfHubId == "timm/" ? config with { HfHubId = "timm/" + config.Name } : config;
        }

        /// <summary>Whether weights of this tag were published.</summary>
        public bool HasWeights(string tag)
        {
            JsonElement config = configs.GetProperty(tag);
            return config.TryGetProperty("url", out _) || config.TryGetProperty("hf_hub_id", out _);
        }
    }
}
