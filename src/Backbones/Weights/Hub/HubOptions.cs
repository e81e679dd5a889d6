using System.Globalization;
using System.Text.RegularExpressions;

namespace Backbones.Weights.Hub;

/// <summary>Where weights come from and where they are kept. <see cref="FromEnvironment(string?)"/> reads the variables that huggingface_hub and torch read.</summary>
/// <remarks>Source: huggingface_hub, "Environment variables"; <c>torch.hub.get_dir</c>.</remarks>
internal sealed partial class HubOptions
{
    /// <summary>Environment variable that forbids downloads, as <c>HF_HUB_OFFLINE</c> does.</summary>
    public const string OfflineVariable = "TIMM_FEATURES_OFFLINE";

    /// <summary>The setting of all options that takes the place of both folders.</summary>
    private const string CacheDirSetting = nameof(BackboneOptions.CacheDir);

    /// <summary>The public Hub.</summary>
    public const string DefaultEndpoint = "https://huggingface.co";

    /// <summary>The Hub (<c>HF_ENDPOINT</c>). The token goes to this host alone.</summary>
    public Uri Endpoint { get; init; } = new(DefaultEndpoint);

    /// <summary>The user's token (<c>HF_TOKEN</c>, or the file <c>HF_TOKEN_PATH</c>); null for none. Gated and private repositories need one.</summary>
    public string? Token { get; init; }

    /// <summary>The Hub's cache (<c>HF_HUB_CACHE</c>), shared with Python.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>torch's checkpoints (<c>TORCH_HOME</c>), shared with Python: weights that have an address instead of a repository.</summary>
    public required string CheckpointFolder { get; init; }

    /// <summary>The setting that the folders were chosen with; null where the environment did.</summary>
    public string? FolderSetting { get; init; }

    /// <summary>What forbids downloads, such as <c>HF_HUB_OFFLINE=1</c>, or prevents them; null where nothing does.</summary>
    public string? Offline { get; init; }

    /// <summary>Whether a snapshot links to its files (<c>HF_HUB_DISABLE_SYMLINKS</c> turns that off); where links cannot be made, files lie in the snapshot itself.</summary>
    public bool UseLinks { get; init; } = true;

    /// <summary>How long a connection, and then the first answer, may take (<c>HF_HUB_ETAG_TIMEOUT</c>).</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long nothing may arrive in the middle of a file (<c>HF_HUB_DOWNLOAD_TIMEOUT</c>).</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long 64 kB may take: slower than that is no download.</summary>
    public TimeSpan BlockTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Waits between tries.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Bytes that are free where a folder is; null where that is not known.</summary>
    internal Func<string, long?> FreeSpace { get; init; } = Storage.FreeSpaceOf;

    /// <summary>What the environment of this process says.</summary>
    /// <param name="cacheDir">Takes the place of both folders, as timm's <c>cache_dir</c>; null for what the environment says of them.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    public static HubOptions FromEnvironment(string? cacheDir = null)
        => FromEnvironment(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), cacheDir);

    /// <param name="variable">Environment variables by name.</param>
    /// <param name="home">The user's folder.</param>
    /// <param name="cacheDir">Takes the place of both folders.</param>
    internal static HubOptions FromEnvironment(Func<string, string?> variable, string home, string? cacheDir = null)
    {
        if (string.IsNullOrWhiteSpace(cacheDir) && cacheDir is not null)
            throw new ArgumentException($"{CacheDirSetting} '{cacheDir}' is no folder; expected one, or null for the caches that Python has, too.", nameof(cacheDir));
        string cache = Folder("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache");
        string huggingFace = Folder("HF_HOME") ?? Path.Combine(cache, "huggingface");
        Uri? endpoint = EndpointOf(Text("HF_ENDPOINT") ?? DefaultEndpoint);
        HubOptions standard = new() { CacheFolder = "", CheckpointFolder = "" };
        return new HubOptions
        {
            Endpoint = endpoint ?? standard.Endpoint,
            Token = IsTrue(Text("HF_HUB_DISABLE_IMPLICIT_TOKEN")) ? null
                : Clean(Text("HF_TOKEN") ?? Text("HUGGING_FACE_HUB_TOKEN")) ?? Clean(ReadToken(Folder("HF_TOKEN_PATH") ?? Path.Combine(huggingFace, "token"))),
            CacheFolder = cacheDir is not null ? Path.GetFullPath(cacheDir) : Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(huggingFace, "hub"),
            CheckpointFolder = cacheDir is not null ? Path.GetFullPath(cacheDir) : Path.Combine(Folder("TORCH_HOME") ?? Path.Combine(cache, "torch"), "hub", "checkpoints"),
            FolderSetting = cacheDir is null ? null : CacheDirSetting,
            Offline = new[] { OfflineVariable, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE" }.Where(v => IsTrue(Text(v))).Select(v => $"{v}={Text(v)}").FirstOrDefault()
                ?? (endpoint is null ? $"HF_ENDPOINT={Text("HF_ENDPOINT")} is no address such as {DefaultEndpoint}" : null),
            UseLinks = !IsTrue(Text("HF_HUB_DISABLE_SYMLINKS")),
            AnswerTimeout = Seconds("HF_HUB_ETAG_TIMEOUT") ?? standard.AnswerTimeout,
            ReadTimeout = Seconds("HF_HUB_DOWNLOAD_TIMEOUT") ?? standard.ReadTimeout,
        };

        string? Text(string name) => variable(name) is { Length: > 0 } text ? text : null;

        string? Folder(string name) => Text(name) switch
        {
            null => null,
            "~" => home,
            ['~', '/' or '\\', .. var below] => Path.Combine(home, Expand(below)),
            var path => Expand(path),
        };

        string Expand(string path) => VariablePattern().Replace(path, m => Text(m.Groups[1].Value) ?? m.Value);

        TimeSpan? Seconds(string name) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is > 0 and < 1_000_000
            ? TimeSpan.FromSeconds(seconds) : null;
    }

    private static Uri? EndpointOf(string text)
        => Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "https" or "http" && endpoint.Host.Length > 0 ? endpoint : null;

    private static bool IsTrue(string? text) => text?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    /// <summary>Tokens are often pasted with a line's end.</summary>
    private static string? Clean(string? token)
        => token?.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal).Trim() is { Length: > 0 } clean ? clean : null;

    private static string? ReadToken(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllText(file) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // another user's; public repositories need none
        }
    }

    [GeneratedRegex(@"\$\{?(\w+)\}?")]
    private static partial Regex VariablePattern();
}
