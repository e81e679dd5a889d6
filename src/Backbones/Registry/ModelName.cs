using Backbones.Weights.Hub;

namespace Backbones.Registry;

/// <summary>Where a model name points.</summary>
public enum ModelNameSource
{
    /// <summary>timm's registry: <c>resnet50.a1_in1k</c>; torchvision's own models: <c>torchvision/resnet50.imagenet1k_v2</c>, or as torchvision names their weights: <c>ResNet50_Weights.IMAGENET1K_V2</c>.</summary>
    Registry,
    /// <summary>A repository of the Hugging Face Hub: <c>hf-hub:org/name@revision</c>.</summary>
    HfHub,
    /// <summary>A folder with timm's config.json and weights: <c>local-dir:path</c>.</summary>
    LocalDir,
}

/// <summary>A model name taken apart (timm: <c>parse_model_name</c>, <c>split_model_name_tag</c>, <c>hf_split</c>).</summary>
/// <param name="Source">Where the name points.</param>
/// <param name="Id">The architecture, the repository or the folder.</param>
/// <param name="Tag">The pretrained tag of a registry name; empty if there is none.</param>
/// <param name="Revision">The revision of a repository; empty if there is none.</param>
public sealed record ModelName(ModelNameSource Source, string Id, string Tag = "", string Revision = "")
{
    /// <summary>The name that the parts of a registry name give: <c>architecture.tag</c>, or the architecture alone.</summary>
    internal string RegistryName => Tag.Length == 0 ? Id : $"{Id}.{Tag}";

    /// <summary>What stands before the names of torchvision's own models.</summary>
    internal const string TorchvisionPrefix = RegistryData.TorchvisionFamily + "/";

    private const string HfHubPrefix = "hf-hub", LocalDirPrefix = "local-dir";

    /// <summary>Takes a name apart without asking whether such a model exists.</summary>
    /// <exception cref="ArgumentException">The name is empty, has an unknown prefix, looks like a path, or is no repository's name.</exception>
    public static ModelName Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int colon = name.IndexOf(':');
        if (colon < 0 || !IsPrefix(name.AsSpan(0, colon)))
        {
            return ParseRegistryName(name);
        }
        string id = name[(colon + 1)..];
        ModelNameSource source = name[..colon].ToLowerInvariant() switch
        {
            HfHubPrefix or "hf_hub" => ModelNameSource.HfHub, // the second is timm's old spelling
            LocalDirPrefix => ModelNameSource.LocalDir,
            string other => throw new ArgumentException(
                $"Unknown model source '{other}' in '{name}'. Known sources: {HfHubPrefix}:organization/model, {LocalDirPrefix}:path.", nameof(name)),
        };
        if (id.Length == 0)
        {
            throw new ArgumentException($"'{name}' has nothing after the prefix; expected a {(source == ModelNameSource.HfHub ? "repository" : "path")}.", nameof(name));
        }
        return source == ModelNameSource.LocalDir ? new ModelName(source, id) : ParseRepository(name, id);
    }

    private static ModelName ParseRegistryName(string name)
    {
        if (name.Length == 0)
        {
            throw new ArgumentException("The model name is empty; expected a name such as 'resnet50' or 'resnet50.a1_in1k'.", nameof(name));
        }
        // A path or repository must not be taken for a registry model that happens to have the same last part: other weights.
        ReadOnlySpan<char> plain = name.StartsWith(TorchvisionPrefix, StringComparison.Ordinal) ? name.AsSpan(TorchvisionPrefix.Length) : name;
        if (plain.ContainsAny('/', '\\', ':'))
        {
            throw new ArgumentException(
                $"'{name}' looks like a path or a repository, not like a model of the registry. "
                + $"For a folder write '{LocalDirPrefix}:{name}', for the Hugging Face Hub '{HfHubPrefix}:{name}'.", nameof(name));
        }
        if (plain is "" or ['.', ..])
        {
            throw new ArgumentException($"'{name}' names no model; expected a name such as 'resnet50', 'resnet50.a1_in1k' or '{TorchvisionPrefix}resnet50'.", nameof(name));
        }
        name = TorchvisionWeightsName.Resolve(name);
        int dot = name.IndexOf('.');
        return dot < 0
            ? new ModelName(ModelNameSource.Registry, name)
            : new ModelName(ModelNameSource.Registry, name[..dot], name[(dot + 1)..]);
    }

    private static ModelName ParseRepository(string name, string id)
    {
        string[] parts = id.Split('@');
        if (parts.Length > 2 || !HubNames.IsRepository(parts[0]) || (parts.Length == 2 && parts[1].Length == 0))
        {
            throw new ArgumentException(
                $"'{name}' names no repository of the Hugging Face Hub; expected {HfHubPrefix}:organization/model or {HfHubPrefix}:organization/model@revision.", nameof(name));
        }
        return new ModelName(ModelNameSource.HfHub, parts[0], Revision: parts.Length == 2 ? parts[1] : "");
    }

    /// <summary>At least two letters, so that a Windows drive is none.</summary>
    private static bool IsPrefix(ReadOnlySpan<char> text)
        => text.Length >= 2 && char.IsAsciiLetter(text[0]) && !text.ContainsAnyExcept(PrefixCharacters);

    private static readonly System.Buffers.SearchValues<char> PrefixCharacters
        = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-_");
}
