namespace Backbones.Weights.Hub;

/// <summary>
/// Downloads files of the Hugging Face Hub, and weights that have an address, into the caches that Python's libraries use, and finds them there. Nothing is
/// asked of a server that is in the cache. Several processes, Python's too, may do so at once. Thread safe.
/// </summary>
/// <remarks>Source: huggingface_hub's <c>hf_hub_download</c>; <c>torch.hub.load_state_dict_from_url</c>.</remarks>
internal sealed class HubClient : IDisposable
{
    /// <summary>How often a file may change between the question and the download.</summary>
    private const int MaxChanges = 2;

    private readonly HubOptions _options;
    private readonly Lazy<HubHttp> _http;

    /// <param name="options">Where from, where to; what the environment says if left out.</param>
    public HubClient(HubOptions? options = null)
    {
        _options = options ?? HubOptions.FromEnvironment();
        _http = new(() => new HubHttp(_options));
    }

    private HubCache Cache => new(_options.CacheFolder);

    /// <summary>A file of a repository, downloaded if it is not in the cache.</summary>
    /// <param name="repository"><c>organization/model</c>.</param>
    /// <param name="file">The file's name, with <c>/</c> between folders.</param>
    /// <param name="revision">A branch, a tag or a commit. A branch that is in the cache is taken as it is there.</param>
    /// <param name="license">The license, for reports.</param>
    /// <param name="progress">Gets reports.</param>
    /// <param name="cancellation">Gives up; what has arrived is gone on with the next time.</param>
    /// <returns>The file's path in the snapshot.</returns>
    /// <exception cref="ArgumentException">No repository, file or revision can have that name.</exception>
    /// <exception cref="DownloadException">The file is not in the cache and cannot be downloaded.</exception>
    public async Task<string> DownloadFileAsync(string repository, string file, string revision = "main", string? license = null,
        IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        Require(HubNames.IsRepository(repository), repository, "a repository, such as 'timm/resnet50.a1_in1k'", nameof(repository));
        Require(HubNames.IsRelativePath(file), file, "a file of a repository, such as 'model.safetensors'", nameof(file));
        Require(HubNames.IsRelativePath(revision), revision, "a revision, such as 'main'", nameof(revision));
        if (Cache.Find(repository, revision, file) is { } found)
        {
            return found;
        }
        string name = $"{repository}/{file}{(revision == "main" ? "" : $" at {revision}")}";
        if (Cache.IsMissing(repository, revision, file))
        {
            throw new DownloadException(DownloadFailure.NotFound, $"There is no file {name} (the cache '{_options.CacheFolder}' knows it).") { IsFileMissing = true };
        }
        RequireOnline(name);
        try
        {
            for (int changes = 0; ; changes++)
            {
                try
                {
                    return await DownloadAsync(repository, file, revision, name, license, progress, cancellation).ConfigureAwait(false);
                }
                catch (DownloadException e) when (e.IsChanged && changes < MaxChanges)
                {
                    // Asked again, it is called by its new name.
                }
            }
        }
        catch (Exception e) when (Storage.IsStorageError(e))
        {
            throw Storage.Explain(e, _options.CacheFolder, _options.FolderSetting ?? "The environment variable HF_HUB_CACHE");
        }
    }

    /// <summary>Weights that have an address, downloaded if they are not among torch's checkpoints. Eight or more hexadecimal digits in the file's name are those of its SHA-256, and checked.</summary>
    /// <param name="address">Such as <c>https://download.pytorch.org/models/resnet50-0676ba61.pth</c>.</param>
    /// <param name="license">The license, for reports.</param>
    /// <param name="progress">Gets reports.</param>
    /// <param name="cancellation">Gives up; where the name has digits, what has arrived is gone on with the next time.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="ArgumentException">The address is not one of a file.</exception>
    /// <exception cref="DownloadException">The file is not there and cannot be downloaded.</exception>
    public async Task<string> DownloadCheckpointAsync(Uri address, string? license = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        string file = address.IsAbsoluteUri && address.Scheme is "https" or "http" ? Uri.UnescapeDataString(address.Segments[^1]) : "";
        Require(HubNames.IsPlain(file), address.ToString(), "the address of a file, such as 'https://download.pytorch.org/models/resnet50-0676ba61.pth'", nameof(address));
        string path = Path.Combine(_options.CheckpointFolder, file);
        if (File.Exists(path))
        {
            return path;
        }
        RequireOnline(file);
        try
        {
            Directory.CreateDirectory(_options.CheckpointFolder);
            DownloadSource source = new(file, address, null, null, null, ContentHash.OfFileName(file), license);
            using FileLock held = await LockAsync(Path.Combine(_options.CheckpointFolder, ".locks", file + ".lock"), source, progress, cancellation).ConfigureAwait(false);
            if (!File.Exists(path))
            {
                await new ResumableDownload(_http.Value, _options, source, progress).SaveAsync(path, cancellation).ConfigureAwait(false);
            }
            return path;
        }
        catch (Exception e) when (Storage.IsStorageError(e))
        {
            throw Storage.Explain(e, _options.CheckpointFolder, _options.FolderSetting ?? "The environment variable TORCH_HOME");
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose()
    {
        if (_http.IsValueCreated)
        {
            _http.Value.Dispose();
        }
    }

    private async Task<string> DownloadAsync(string repository, string file, string revision, string name, string? license, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        string page = $"{HubHttp.Show(_options.Endpoint).TrimEnd('/')}/{repository}";
        HubMetadata metadata = await AskAsync(repository, file, revision, name, page, progress, cancellation).ConfigureAwait(false);
        string commit = metadata.Commit!, etag = metadata.Etag!;
        string blob = Cache.Blob(repository, etag), path = Cache.SnapshotFile(repository, commit, file);
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        Cache.SetRevision(repository, revision, commit);
        // The commit is asked for: a branch may move on meanwhile.
        DownloadSource source = new(name, AddressOf(repository, file, commit), page, etag, metadata.Size, ContentHash.OfEtag(etag), license);
        using FileLock held = await LockAsync(Cache.LockFile(repository, etag), source, progress, cancellation).ConfigureAwait(false);
        if (File.Exists(path))
        {
            return path;
        }
        bool isNew = !(File.Exists(blob) && (metadata.Size is null || new FileInfo(blob).Length == metadata.Size));
        if (isNew)
        {
            await new ResumableDownload(_http.Value, _options, source, progress).SaveAsync(blob, cancellation).ConfigureAwait(false);
        }
        return Cache.AddToSnapshot(repository, commit, file, etag, isNew, _options.UseLinks);
    }

    /// <summary>What the hub says about a file (HEAD).</summary>
    private async Task<HubMetadata> AskAsync(string repository, string file, string revision, string name, string page, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        Uri address = AddressOf(repository, file, revision);
        string server = HubHttp.ShowServer(address);
        return await Retries.Create(_options.Clock, e => progress?.Report(new DownloadProgress(name, server, DownloadStage.Retrying, 0, null, Note: e.Message)))
            .ExecuteAsync(async token => await AskOnceAsync(token).ConfigureAwait(false), cancellation).ConfigureAwait(false);

        async Task<HubMetadata> AskOnceAsync(CancellationToken token)
        {
            HubMetadata metadata = new();
            using HttpResponseMessage answer = await _http.Value.SendAsync(HttpMethod.Head, address, 0, metadata, token).ConfigureAwait(false);
            if ((int)answer.StatusCode >= 400)
            {
                DownloadException error = HubErrors.Of(answer, name, page, _options.Token is not null, _options.Clock.GetUtcNow());
                if (error.IsFileMissing && metadata.Commit is { } commit && HubNames.IsCommit(commit))
                {
                    Cache.SetRevision(repository, revision, commit);
                    Cache.SetMissing(repository, commit, file);
                }
                throw error;
            }
            string? problem = metadata switch
            {
                { Commit: null } => "says no commit (X-Repo-Commit)",
                { Commit: var commit } when !HubNames.IsCommit(commit) => $"says the commit '{commit}'",
                { Etag: null } => "says no etag",
                { Etag: var etag } when !HubNames.IsPlain(etag) => $"says the etag '{etag}'",
                { Size: null, Etag: var etag } when ContentHash.OfEtag(etag!) is null => "says no size",
                _ => null,
            };
            return problem is null ? metadata : throw new DownloadException(DownloadFailure.Server,
                $"{server} answers as no hub does: about {name} it {problem}. See to HF_ENDPOINT, and to proxies and sign-in pages on the way.");
        }
    }

    private Uri AddressOf(string repository, string file, string revision) => new(
        $"{_options.Endpoint.AbsoluteUri.TrimEnd('/')}/{repository}/resolve/{Uri.EscapeDataString(revision)}/{string.Join('/', file.Split('/').Select(Uri.EscapeDataString))}");

    private Task<FileLock> LockAsync(string path, DownloadSource source, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
        => FileLock.AcquireAsync(path, _options.Clock, () => progress?.Report(source.At(DownloadStage.Waiting, 0, source.Size)), cancellation);

    private void RequireOnline(string name)
    {
        if (_options.Offline is { } reason)
        {
            throw new DownloadException(DownloadFailure.Offline, $"{name} is not on this machine, and downloads are off: {reason}.");
        }
    }

    private static void Require(bool isValid, string given, string expected, string parameter)
    {
        if (!isValid)
        {
            throw new ArgumentException($"'{given}' is not {expected}.", parameter);
        }
    }
}
