using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backbones.Weights.Hub;

namespace Backbones.Tests.Weights.Hub;

/// <summary>A hub of one repository, <c>me/model</c>: small files come from itself, <c>*.safetensors</c>, <c>*.bin</c> and <c>*.pth</c> from another host, as on the real one.
/// It behaves; a test says where it does not.</summary>
internal sealed class LocalHub : IDisposable
{
    public const string Repository = "me/model", Commit = "0123456789abcdef0123456789abcdef01234567", Token = "hf_secret", Large = "model.safetensors", Small = "config.json";

    private readonly TemporaryFolder _folder = new();
    private readonly List<DownloadProgress> _reports = [];

    public LocalHub()
    {
        byte[] large = new byte[300_000];
        new Random(1).NextBytes(large);
        Files[Large] = large;
        Files[Small] = """{"architecture":"test_resnet"}"""u8.ToArray();
        Cdn = new LocalServer(r => OnCdn?.Invoke(r) ?? Answer.Part(r, Files.Values.First(f => r.Path.StartsWith($"/{Sha256(f)}", StringComparison.Ordinal)), ("ETag", "\"anything\"")));
        Server = new LocalServer(r => OnHub?.Invoke(r) ?? Serve(r));
    }

    public LocalServer Server { get; }

    public LocalServer Cdn { get; }

    /// <summary>Answers instead of the hub; null lets the hub answer.</summary>
    public Func<Request, Answer?>? OnHub { get; set; }

    /// <summary>The same for the host of large files.</summary>
    public Func<Request, Answer?>? OnCdn { get; set; }

    public Dictionary<string, byte[]> Files { get; } = [];

    public string Cache => _folder.File("hub");

    public string Checkpoints => _folder.File("checkpoints");

    public string Folder => Path.Combine(Cache, "models--me--model");

    /// <summary>Waits between tries, which take no time.</summary>
    public InstantClock Clock { get; } = new();

    public DownloadProgress[] Reports => [.. _reports];

    /// <summary>The progress of a test: at once, not when a thread has time.</summary>
    public IProgress<DownloadProgress> Progress => new Collector(_reports);

    public HubOptions Options(string? offline = null, bool useLinks = true, string? cache = null, TimeSpan? answer = null, TimeSpan? read = null, TimeSpan? block = null, Uri? endpoint = null, Func<string, long?>? space = null) => new()
    {
        Endpoint = endpoint ?? Server.Address,
        Token = Token,
        CacheFolder = cache ?? Cache,
        CheckpointFolder = cache ?? Checkpoints,
        Offline = offline,
        UseLinks = useLinks,
        AnswerTimeout = answer ?? TimeSpan.FromSeconds(20),
        ReadTimeout = read ?? TimeSpan.FromSeconds(20),
        BlockTimeout = block ?? TimeSpan.FromSeconds(60),
        Clock = Clock,
        FreeSpace = space ?? (_ => null),
    };

    public Task<string> DownloadAsync(string file = Large, HubOptions? options = null, string revision = "main", string repository = Repository)
        => RunAsync(options ?? Options(), client => client.DownloadFileAsync(repository, file, revision, "apache-2.0", Progress));

    public Task<string> DownloadCheckpointAsync(string name, HubOptions? options = null)
        => RunAsync(options ?? Options(), client => client.DownloadCheckpointAsync(new Uri(Cdn.Address, name), progress: Progress));

    /// <summary>What a download says when it fails. Nothing may be in the place of a file then.</summary>
    public async Task<DownloadException> FailAsync(string file = Large, HubOptions? options = null, string revision = "main", string repository = Repository)
    {
        DownloadException e = await Assert.ThrowsExactlyAsync<DownloadException>(() => DownloadAsync(file, options, revision, repository));
        Assert.IsEmpty(WholeFiles());
        Assert.IsFalse(e.Message.Contains(Token, StringComparison.Ordinal), e.Message);
        return e;
    }

    /// <summary>What is in the place of blobs, files and checkpoints.</summary>
    public string[] WholeFiles() => [.. FilesIn(_folder.Path).Where(f => f.Contains("blobs", StringComparison.Ordinal) || f.Contains("snapshots", StringComparison.Ordinal)
        || f.StartsWith(Checkpoints, StringComparison.Ordinal)).Where(f => !f.EndsWith(".incomplete", StringComparison.Ordinal) && !f.EndsWith(".lock", StringComparison.Ordinal))];

    public string[] PartialFiles() => [.. FilesIn(_folder.Path).Where(f => f.EndsWith(".incomplete", StringComparison.Ordinal))];

    public void AssertIs(string file, string path) => CollectionAssert.AreEqual(Files[file], File.ReadAllBytes(path));

    public static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>git's name of a content.</summary>
    public static string GitHash(byte[] content)
        => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    /// <summary>Waits for what another thread or process does; fails after a minute.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.IsLessThan(12_000, i);
            await Task.Delay(5);
        }
    }

    /// <summary>What a hub answers.</summary>
    public Answer Serve(Request request)
    {
        string[] parts = Uri.UnescapeDataString(request.Path).Split("/resolve/");
        if (parts[0] != "/" + Repository)
            return Answer.Text(404, "", ("X-Error-Code", "RepoNotFound"), ("X-Error-Message", "Repository not found"));
        string revision = parts[1].StartsWith("refs/pr/1/", StringComparison.Ordinal) ? "refs/pr/1" : parts[1][..parts[1].IndexOf('/')];
        string file = parts[1][(revision.Length + 1)..];
        if (revision is not ("main" or Commit or "refs/pr/1"))
            return Answer.Text(404, "", ("X-Error-Code", "RevisionNotFound"));
        if (!Files.TryGetValue(file, out byte[]? content))
            return Answer.Text(404, "", ("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", Commit));
        bool isLarge = Path.GetExtension(file) is ".safetensors" or ".bin" or ".pth";
        return isLarge
            ? Answer.Text(302, "moved", ("Location", $"{Cdn.Address}{Sha256(content)}?signature=secret"), ("X-Repo-Commit", Commit),
                ("X-Linked-Etag", $"\"{Sha256(content)}\""), ("X-Linked-Size", content.Length.ToString(CultureInfo.InvariantCulture)), ("ETag", "\"of the redirection\""))
            : Answer.Part(request, content, ("ETag", $"\"{GitHash(content)}\""), ("X-Repo-Commit", Commit));
    }

    public void Dispose()
    {
        Server.Dispose();
        Cdn.Dispose();
        _folder.Dispose();
    }

    private static async Task<string> RunAsync(HubOptions options, Func<HubClient, Task<string>> run)
    {
        using HubClient client = new(options);
        return await run(client);
    }

    private static string[] FilesIn(string folder) => Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : [];

    private sealed class Collector(List<DownloadProgress> reports) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value)
        {
            lock (reports)
                reports.Add(value);
        }
    }
}

/// <summary>A clock on which every wait is over at once; it remembers how long it should have been.</summary>
internal sealed class InstantClock : TimeProvider
{
    private readonly List<TimeSpan> _waits = [];

    public TimeSpan[] Waits
    {
        get
        {
            lock (_waits)
                return [.. _waits];
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_waits)
            _waits.Add(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
    }
}
