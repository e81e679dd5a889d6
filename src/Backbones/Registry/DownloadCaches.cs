using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Registry;

/// <summary>
/// Weights that were downloaded to this machine, by Python's libraries or by ours: the cache of the Hugging Face Hub, where timm puts them, and torch's folder of
/// checkpoints, where torchvision does.
/// </summary>
/// <param name="hub">The Hub's cache; see <c>huggingface_hub</c>, "Manage your cache".</param>
/// <param name="checkpoints">torch's checkpoints; see <c>torch.hub.get_dir</c>.</param>
internal sealed class DownloadCaches(string hub, string checkpoints)
{
    private const string SafeFile = "model.safetensors", File = "pytorch_model.bin", SafeIndex = SafeFile + ShardedWeights.IndexSuffix, Index = File + ShardedWeights.IndexSuffix, OpenClipSafeFile = "open_clip_model.safetensors", OpenClipFile = "open_clip_pytorch_model.bin";

    private readonly HubCache _cache = new(hub);

    public DownloadCaches(HubOptions options)
        : this(options.CacheFolder, options.CheckpointFolder)
    {
    }

    /// <summary>The caches that Python's libraries would use in this process.</summary>
    public static DownloadCaches Default => new(HubOptions.FromEnvironment());

    public string Hub => hub;

    public string Checkpoints => checkpoints;

    /// <summary>What timm tries in a repository, first to last: safetensors before what holds pickles.</summary>
    /// <param name="fileName">The file that a config names; null where it names none.</param>
    public static string[] WeightsFiles(string? fileName) => fileName switch
    {
        null => [SafeFile, File, SafeIndex, Index, OpenClipSafeFile, OpenClipFile],
        File => [SafeFile, File, SafeIndex, Index],
        OpenClipFile => [OpenClipSafeFile, OpenClipFile],
        _ => [fileName],
    };

    /// <summary>The published weights of a registry's config; null where they are in neither cache.</summary>
    public string? FindWeights(PretrainedConfig config)
    {
        if (config.HfHubId is { } repository && FindSnapshot(repository) is { } snapshot && WeightsIn(snapshot, config.HfHubFilename) is { } file)
        {
            return file;
        }
        string? checkpoint = config.Url is null ? null : Path.Combine(checkpoints, config.Url[(config.Url.LastIndexOf('/') + 1)..]);
        return System.IO.File.Exists(checkpoint) ? checkpoint : null;
    }

    /// <summary>The folder of a repository's files at a revision; null where it was not downloaded.</summary>
    /// <param name="repository"><c>organization/model</c>.</param>
    /// <param name="revision">A branch, a tag or a commit.</param>
    public string? FindSnapshot(string repository, string revision = "main") => _cache.FindSnapshot(repository, revision);

    private static string? WeightsIn(string snapshot, string? fileName)
    {
        string? found = fileName is null ? ModelFolder.TryFindWeights(snapshot) : WeightsFiles(fileName).Select(f => Path.Combine(snapshot, f)).FirstOrDefault(System.IO.File.Exists);
        return found is not null && ShardedWeights.IsComplete(found) ? found : null;
    }
}
