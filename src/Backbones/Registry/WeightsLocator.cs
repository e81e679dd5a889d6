using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Registry;

/// <summary>A model whose weights are on this machine.</summary>
/// <param name="Config">What the weights are and expect.</param>
/// <param name="WeightsFile">The weights file.</param>
/// <param name="ConfigFile">The config.json that the config is from; null where it is the registry's.</param>
internal sealed record LocatedModel(PretrainedConfig Config, string WeightsFile, string? ConfigFile = null);

/// <summary>A model's config.</summary>
/// <param name="Config">What the weights are and expect.</param>
/// <param name="File">The config.json that it is from; null where it is the registry's.</param>
internal sealed record LocatedConfig(PretrainedConfig Config, string? File = null);

/// <summary>Finds the weights of a model by name, in a file or folder given for it, in folders of weights, or where Python's libraries have downloaded them.</summary>
internal static class WeightsLocator
{
    /// <summary>Environment variable with more folders to look in, separated as in PATH; they come first.</summary>
    public const string FoldersVariable = "TIMM_FEATURES_WEIGHTS";

    /// <summary>Where weights are looked for unless said otherwise: the folders of <see cref="FoldersVariable"/>, then <c>weights</c> and
    /// <c>samples/weights</c> in the current directory and beside the program.</summary>
    public static IReadOnlyList<string> DefaultFolders =>
    [
        .. (Environment.GetEnvironmentVariable(FoldersVariable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        .. from root in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory }
           from folder in new[] { "weights", Path.Combine("samples", "weights") }
           select Path.Combine(root, folder),
    ];

    /// <summary>Finds a model's config and weights file.</summary>
    /// <param name="modelName"><c>resnet50</c>, <c>resnet50.a1_in1k</c>, <c>ResNet50_Weights.IMAGENET1K_V2</c>, <c>local-dir:path</c>, <c>hf-hub:organization/model@revision</c>, or the name of a folder of weights such as <c>test_resnet.textures16</c>.</param>
    /// <param name="weightsPath">The weights: a file, or a folder with a config.json and a weights file in timm's layout. Looked up by name if left out.</param>
    /// <param name="folders">Folders with <c>NAME.safetensors</c>, or with weights in <c>NAME/</c>, with or without a config.json. If left out: <see cref="DefaultFolders"/>, then the caches of
    /// the Hugging Face Hub (<c>HF_HUB_CACHE</c>, <c>HF_HOME</c>) and of torch (<c>TORCH_HOME</c>), where timm and torchvision put what they download.</param>
    /// <param name="downloader">Gets what is not found; null to look on this machine alone.</param>
    /// <exception cref="UnknownModelException">There is no such model or tag.</exception>
    /// <exception cref="DownloadException">What is not on this machine cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">The model exists, weights for it were not found; the message says where they were looked for.</exception>
    /// <exception cref="WeightsFormatException">A folder's config.json is malformed or is for another architecture.</exception>
    public static LocatedModel Find(string modelName, string? weightsPath = null, IEnumerable<string>? folders = null, WeightsDownloader? downloader = null)
    {
        ModelName name = ModelName.Parse(modelName);
        if (weightsPath is not null)
        {
            if (File.Exists(Path.Combine(weightsPath, ModelFolder.ConfigFile)))
            {
                return InFolder(weightsPath, ArchitectureOf(modelName, name));
            }
            string file = Existing(weightsPath); // a missing file is told of before a wrong name
            LocatedConfig config = ConfigOf(modelName, name);
            return new LocatedModel(config.Config, file, config.File);
        }
        return name.Source switch
        {
            ModelNameSource.LocalDir => InFolder(name.Id, null),
            ModelNameSource.HfHub => InFolder(Snapshot(modelName, name, downloader, withWeights: true), null),
            _ => ByName(modelName, [.. folders ?? DefaultFolders], downloader?.Caches ?? (folders is null ? DownloadCaches.Default : null), downloader),
        };
    }

    /// <summary>A model's config, whether its weights are here or not: that of the given folder, of a folder of weights by that name, or the registry's.</summary>
    /// <param name="modelName">As for <see cref="Find"/>.</param>
    /// <param name="weightsPath">As for <see cref="Find"/>; only a folder's config.json is looked at.</param>
    /// <param name="folders">As for <see cref="Find"/>.</param>
    /// <param name="downloader">As for <see cref="Find"/>; only a repository's config.json is downloaded.</param>
    /// <exception cref="UnknownModelException">There is no such model or tag.</exception>
    /// <exception cref="FileNotFoundException">There is no such tag, nor the weights given for it.</exception>
    /// <exception cref="DownloadException">A repository's config.json is not on this machine and cannot be downloaded.</exception>
    public static LocatedConfig FindConfig(string modelName, string? weightsPath = null, IEnumerable<string>? folders = null, WeightsDownloader? downloader = null)
    {
        ModelName name = ModelName.Parse(modelName);
        if (weightsPath is not null && File.Exists(Path.Combine(weightsPath, ModelFolder.ConfigFile)))
        {
            return ConfigIn(weightsPath);
        }
        if (weightsPath is null && name.Source == ModelNameSource.HfHub)
        {
            return ConfigIn(Snapshot(modelName, name, downloader, withWeights: false));
        }
        if (weightsPath is not null || name.Source != ModelNameSource.Registry)
        {
            try
            {
                return ConfigOf(modelName, name);
            }
            catch (UnknownModelException) when (weightsPath is not null && !Path.Exists(weightsPath))
            {
                throw NoWeightsAt(weightsPath); // Told of before a wrong name, as when they are wanted.
            }
        }
        string[] places = [.. folders ?? DefaultFolders];
        return TryFindByName(modelName, places) is { } found ? new LocatedConfig(found.Config, found.ConfigFile) : new LocatedConfig(ModelNames.GetConfig(modelName, LocalNames(places), places));
    }

    /// <summary>The published weights of a model that is no backbone and so not in the registry: in a folder of weights under the config's name, with or without the tag, or downloaded.</summary>
    /// <param name="config">What they are.</param>
    /// <param name="downloader">Gets what is not found.</param>
    /// <exception cref="DownloadException">They are not on this machine and cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">They are not on this machine, and downloads are off; the message says where they were looked for.</exception>
    public static string FindPublished(PretrainedConfig config, WeightsDownloader downloader)
    {
        string[] folders = [.. DefaultFolders];
        foreach (string name in new[] { config.Name, config.Architecture })
        {
            foreach (string place in folders.Select(folder => Path.Combine(folder, name)))
            {
                if ((File.Exists(place + ".safetensors") ? place + ".safetensors" : Directory.Exists(place) ? ModelFolder.TryFindWeights(place) : null) is { } found)
                {
                    return found;
                }
            }
        }
        if (downloader.Caches.FindWeights(config) is { } downloaded)
        {
            return downloaded;
        }
        return downloader.Off is null ? downloader.GetWeights(config) : throw new FileNotFoundException(
            $"No weights for '{config.Architecture}' on this machine: there is no {config.Name}.safetensors and no folder {config.Name} with weights in "
            + $"{string.Join(", ", folders.Select(f => $"'{f}'"))}, and nothing downloaded in '{downloader.Caches.Checkpoints}'. Give a file as weights path. The published ones are at {config.Url}.{WhyNot(downloader)}");
    }

    private static LocatedModel ByName(string modelName, string[] folders, DownloadCaches? caches, WeightsDownloader? downloader)
    {
        if (TryFindByName(modelName, folders) is { } found)
        {
            return found;
        }
        PretrainedConfig config = ModelNames.GetConfig(modelName, LocalNames(folders), folders);
        if (caches?.FindWeights(config) is { } downloaded)
        {
            return new LocatedModel(config, downloaded);
        }
        if (downloader is { Off: null } && config.HasWeights)
        {
            return new LocatedModel(config, downloader.GetWeights(config));
        }
        string? published = config.HfHubId is null ? config.Url : $"https://huggingface.co/{config.HfHubId}";
        string download = published is null ? "" : $" The published ones are at {published}.";
        throw new FileNotFoundException(
            $"No weights for '{modelName}' on this machine: there is no {config.Name}.safetensors and no folder {config.Name} with weights in "
            + $"{string.Join(", ", folders.Select(f => $"'{f}'"))}{(caches is null ? "" : $", and nothing downloaded in '{caches.Hub}'{(caches.Checkpoints == caches.Hub ? "" : $" or '{caches.Checkpoints}'")}")}. "
            + $"Give a file or folder as weights path.{download}{WhyNot(downloader)}");
    }

    /// <summary>A repository's files in the Hub's cache.</summary>
    private static string Snapshot(string modelName, ModelName name, WeightsDownloader? downloader, bool withWeights)
    {
        if (downloader is { Off: null })
        {
            return downloader.GetRepository(name, withWeights);
        }
        DownloadCaches caches = downloader?.Caches ?? DownloadCaches.Default;
        return caches.FindSnapshot(name.Id, name.Revision.Length == 0 ? "main" : name.Revision) ?? throw new FileNotFoundException(
            $"The repository of '{modelName}' is not on this machine: it is not in the Hugging Face Hub's cache '{caches.Hub}'. "
            + $"Download it there, or to a folder and give that as weights path, or as 'local-dir:PATH'.{WhyNot(downloader)}");
    }

    private static string WhyNot(WeightsDownloader? downloader) => downloader?.Off is { } reason ? $" It was not downloaded because {reason}." : "";

    private static LocatedModel? TryFindByName(string modelName, string[] folders)
    {
        foreach (string name in Candidates(modelName))
        {
            foreach (string folder in folders)
            {
                string sub = Path.Combine(folder, name), file = sub + ".safetensors";
                if (File.Exists(Path.Combine(sub, ModelFolder.ConfigFile)))
                {
                    return InFolder(sub, ModelName.Parse(name).Id);
                }
                if ((File.Exists(file) ? file : Directory.Exists(sub) ? ModelFolder.TryFindWeights(sub) : null) is { } weights)
                {
                    return new LocatedModel(ModelNames.GetConfig(name, LocalNames(folders)), weights);
                }
            }
        }
        return null;
    }

    /// <summary>The name as given, then as the registry has it: replaced if deprecated, with its default tag.</summary>
    private static IEnumerable<string> Candidates(string modelName)
    {
        yield return modelName;
        ModelName parsed = ModelName.Parse(ModelNames.ReplacementOf(modelName) ?? modelName);
        string current = parsed.Tag.Length == 0 && ModelNames.IsArchitecture(parsed.Id) ? ModelNames.GetConfig(parsed.Id).Name : parsed.RegistryName;
        if (current != modelName)
        {
            yield return current;
        }
    }

    private static string[] LocalNames(string[] folders) =>
    [
        .. from folder in folders
           where Directory.Exists(folder)
           from entry in Directory.GetFileSystemEntries(folder)
           let isFile = entry.EndsWith(".safetensors", StringComparison.Ordinal)
           where isFile || (Directory.Exists(entry) && (File.Exists(Path.Combine(entry, ModelFolder.ConfigFile)) || ModelFolder.TryFindWeights(entry) is not null))
           select isFile ? Path.GetFileNameWithoutExtension(entry) : Path.GetFileName(entry),
    ];

    private static LocatedModel InFolder(string path, string? architecture)
    {
        ModelFolder folder = ModelFolder.Read(path);
        if (architecture is not null && folder.Config.Architecture != architecture)
        {
            throw new WeightsFormatException(Path.Combine(path, ModelFolder.ConfigFile),
                $"the weights are for '{folder.Config.Architecture}', not for '{architecture}'.");
        }
        return new LocatedModel(folder.Config, ModelFolder.FindWeights(path), Path.Combine(path, ModelFolder.ConfigFile));
    }

    private static LocatedConfig ConfigIn(string path) => new(ModelFolder.Read(path).Config, Path.Combine(path, ModelFolder.ConfigFile));

    /// <summary>The architecture that a folder's config must name, or null where the name says nothing about it.</summary>
    private static string? ArchitectureOf(string modelName, ModelName name)
        => name.Source == ModelNameSource.Registry ? ModelName.Parse(ModelNames.ReplacementOf(modelName) ?? modelName).Id : null;

    private static LocatedConfig ConfigOf(string modelName, ModelName name) => name.Source switch
    {
        ModelNameSource.Registry => new LocatedConfig(ModelNames.GetConfig(modelName)),
        ModelNameSource.LocalDir => ConfigIn(name.Id),
        _ => throw new FileNotFoundException($"'{modelName}' needs the repository's {ModelFolder.ConfigFile}; give the downloaded folder as weights path."),
    };

    private static string Existing(string path)
    {
        if (File.Exists(path))
        {
            return path;
        }
        return Directory.Exists(path) ? ModelFolder.FindWeights(path) : throw NoWeightsAt(path);
    }

    /// <summary>What was given for weights is not there.</summary>
    internal static FileNotFoundException NoWeightsAt(string path) => new($"There is no weights file or folder '{path}'.", path);
}
