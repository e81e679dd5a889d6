namespace Backbones.Registry;

/// <summary>
/// Weights that Python's libraries have downloaded to this machine: the cache of the Hugging Face Hub, where timm puts them, and torch's folder of
/// checkpoints, where torchvision does. They are read where they are, never changed.
/// </summary>
/// <param name="hub">The Hub's cache; see <c>huggingface_hub</c>, "Manage your cache".</param>
/// <param name="checkpoints">torch's checkpoints; see <c>torch.hub.get_dir</c>.</param>
internal sealed class DownloadCaches(string hub, string checkpoints)
{
    /// <summary>The caches that Python's libraries would use in this process.</summary>
    public static DownloadCaches Default => FromEnvironment(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    public string Hub => hub;

    public string Checkpoints => checkpoints;

    /// <param name="variable">Environment variables by name.</param>
    /// <param name="home">The user's folder.</param>
    public static DownloadCaches FromEnvironment(Func<string, string?> variable, string home)
    {
        string cache = Variable("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache");
        string hub = Variable("HF_HUB_CACHE") ?? Variable("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(Variable("HF_HOME") ?? Path.Combine(cache, "huggingface"), "hub");
        return new DownloadCaches(hub, Path.Combine(Variable("TORCH_HOME") ?? Path.Combine(cache, "torch"), "hub", "checkpoints"));

        string? Variable(string name) => variable(name) switch
        {
            null or "" => null,
            ['~', '/' or '\\', .. var below] => Path.Combine(home, below),
            var path => path,
        };
    }

    /// <summary>The published weights of a registry's config; null where they are in neither cache.</summary>
    public string? FindWeights(PretrainedConfig config)
    {
        if (config.HfHubId is { } repository && FindSnapshot(repository) is { } snapshot && WeightsIn(snapshot, config.HfHubFilename) is { } file)
        {
            return file;
        }
        string? checkpoint = config.Url is null ? null : Path.Combine(checkpoints, config.Url[(config.Url.LastIndexOf('/') + 1)..]);
        return File.Exists(checkpoint) ? checkpoint : null;
    }

    /// <summary>The folder of a repository's files at a revision; null where it was not downloaded.</summary>
    /// <param name="repository"><c>organization/model</c>.</param>
    /// <param name="revision">A branch, a tag or a commit.</param>
    public string? FindSnapshot(string repository, string revision = "main")
    {
        string root = Path.Combine(hub, "models--" + repository.Replace("/", "--", StringComparison.Ordinal));
        // A branch or tag is a file with the commit's hash. Both come from outside: names that lead elsewhere are none.
        string commit = IsPlain(revision) && Path.Combine(root, "refs", revision) is var name && File.Exists(name) ? File.ReadAllText(name).Trim() : revision;
        string snapshot = Path.Combine(root, "snapshots", commit);
        return IsPlain(commit) && Directory.Exists(snapshot) ? snapshot : null;
    }

    private static bool IsPlain(string name) => name.Length is > 0 and <= 200 && !name.Contains("..", StringComparison.Ordinal) && name.AsSpan().IndexOfAny("/\\:\0") < 0;

    private static string? WeightsIn(string snapshot, string? fileName)
        => fileName is null ? ModelFolder.TryFindWeights(snapshot) : Path.Combine(snapshot, fileName) is var file && File.Exists(file) ? file : null;
}
