using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Registry;

/// <summary>Downloads what a name stands for: the published weights of a registry's config, or a repository's config and weights.</summary>
internal sealed class WeightsDownloader
{
    private readonly HubOptions _options;
    private readonly IProgress<DownloadProgress>? _progress;
    private readonly CancellationToken _cancellation;

    /// <param name="mode">Whether to download.</param>
    /// <param name="progress">Gets reports: name, size, license and source first.</param>
    /// <param name="options">Where from, where to; what the environment says if left out.</param>
    /// <param name="cancellation">Gives up; what has arrived is gone on with the next time.</param>
    /// <param name="cacheDir">Where to, as <see cref="BackboneOptions.CacheDir"/>.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    public WeightsDownloader(DownloadMode mode = DownloadMode.WhenMissing, IProgress<DownloadProgress>? progress = null, HubOptions? options = null, CancellationToken cancellation = default,
        string? cacheDir = null)
    {
        _options = options ?? HubOptions.FromEnvironment(cacheDir);
        _progress = progress;
        _cancellation = cancellation;
        Off = mode == DownloadMode.Never ? $"{nameof(DownloadMode)}.{nameof(DownloadMode.Never)} was given" : _options.Offline;
    }

    /// <summary>Why nothing is downloaded, such as <c>HF_HUB_OFFLINE=1</c>; null where it is.</summary>
    public string? Off { get; }

    /// <summary>Where downloads go, and are looked for.</summary>
    internal DownloadCaches Caches => new(_options);

    /// <summary>The published weights of a config.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="DownloadException">They cannot be downloaded.</exception>
    public string GetWeights(PretrainedConfig config)
        => Run(config.Name, $"If you have them elsewhere, give the file or folder as weights path, or put it into a folder of weights: 'weights/{config.Name}.safetensors'.", config.HfHubId is { } repository
            ? client => GetWeightsAsync(client, repository, "main", config.HfHubFilename, config.License)
            : config.Url is { } url ? client => client.DownloadCheckpointAsync(new Uri(url), config.License, _progress, _cancellation)
            : throw new DownloadException(DownloadFailure.NotFound, $"No weights of '{config.Name}' were published."));

    /// <summary>A repository's config.json, and its weights.</summary>
    /// <param name="name">A name of the Hub.</param>
    /// <param name="withWeights">Whether the weights are wanted, and not the config alone.</param>
    /// <returns>The folder of both.</returns>
    /// <exception cref="DownloadException">They cannot be downloaded.</exception>
    internal string GetRepository(ModelName name, bool withWeights) => Run(name.Id, $"If you have a folder with its {ModelFolder.ConfigFile} and weights, give that as 'local-dir:PATH'.", async client =>
    {
        string revision = name.Revision.Length == 0 ? "main" : name.Revision;
        string config = await client.DownloadFileAsync(name.Id, ModelFolder.ConfigFile, revision, progress: _progress, cancellation: _cancellation).ConfigureAwait(false);
        string folder = Path.GetDirectoryName(config)!;
        if (withWeights && !(ModelFolder.TryFindWeights(folder) is { } there && ShardedWeights.IsComplete(there)))
        {
            // Of the config's commit: the branch may have moved on.
            PretrainedConfig read = ModelFolder.Read(folder).Config;
            await GetWeightsAsync(client, name.Id, Path.GetFileName(folder), read.HfHubFilename, read.License).ConfigureAwait(false);
        }
        return folder;
    });

    private async Task<string> GetWeightsAsync(HubClient client, string repository, string revision, string? fileName, string? license)
    {
        string[] files = DownloadCaches.WeightsFiles(fileName);
        foreach (string file in files)
        {
            string path;
            try
            {
                path = await client.DownloadFileAsync(repository, file, revision, license, _progress, _cancellation).ConfigureAwait(false);
            }
            catch (DownloadException e) when (e.IsFileMissing)
            {
                continue; // timm's next choice.
            }
            if (file.EndsWith(ShardedWeights.IndexSuffix, StringComparison.Ordinal))
                await GetShardsAsync(client, repository, path).ConfigureAwait(false);
            return path;
        }
        throw new DownloadException(DownloadFailure.NotFound, $"The repository {repository} has no weights at '{revision}': neither {string.Join(" nor ", files)}.");
    }

    /// <summary>The files that an index names, of its commit: the branch may have moved on.</summary>
    private async Task GetShardsAsync(HubClient client, string repository, string index)
    {
        string commit = Path.GetFileName(Path.GetDirectoryName(index)!);
        foreach (string shard in ShardedWeights.FilesOf(index))
            await client.DownloadFileAsync(repository, shard, commit, license: null, _progress, _cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits for a download, without the caller's context: that may be the one thread that all this would wait for.</summary>
    /// <param name="name">What is downloaded.</param>
    /// <param name="otherwise">What else can be done where no server gives it.</param>
    /// <param name="download">Downloads it.</param>
    private string Run(string name, string otherwise, Func<HubClient, Task<string>> download)
    {
        using HubClient client = new(_options);
        try
        {
            return Task.Run(() => download(client), _cancellation).GetAwaiter().GetResult();
        }
        catch (DownloadException e)
        {
            throw new DownloadException(e.Failure, $"The weights of '{name}' are not on this machine and cannot be downloaded. {e.Message}{(e.Failure == DownloadFailure.Storage ? "" : $" {otherwise}")}", e);
        }
    }
}
