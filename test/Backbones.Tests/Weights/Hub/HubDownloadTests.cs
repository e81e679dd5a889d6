using System.IO.Compression;
using Backbones.Weights.Hub;

namespace Backbones.Tests.Weights.Hub;

/// <summary>Servers and networks that misbehave: the file is whole and right in the end, or not there, and the error says why.</summary>
[TestClass]
public sealed class HubDownloadTests
{
    private const int Half = 150_000;

    [TestMethod]
    public async Task A_broken_download_goes_on_where_it_broke_off()
    {
        using LocalHub hub = new();
        hub.OnCdn = r => r.From == 0 ? Whole(hub) with { CutAfter = Half } : null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        CollectionAssert.AreEqual(new[] { 0, Half }, hub.Cdn.Requests.Select(r => r.From).ToArray());
        StringAssert.Contains(hub.Reports.Single(r => r.Stage == DownloadStage.Retrying).ToString(), "broke off");
    }

    [TestMethod]
    public async Task A_download_that_breaks_off_always_is_given_up_after_five_retries()
    {
        using LocalHub hub = new();
        hub.OnCdn = r => Answer.Part(r, hub.Files[LocalHub.Large]) with { CutAfter = 1000 };
        DownloadException e = await hub.FailAsync();
        Assert.AreEqual(DownloadFailure.Unreachable, e.Failure);
        StringAssert.Contains(e.Message, "me/model/model.safetensors");
        StringAssert.Contains(e.Message, "broke off");
        CollectionAssert.AreEqual(new[] { 0, 1000, 2000, 3000, 4000, 5000 }, hub.Cdn.Requests.Select(r => r.From).ToArray());
        Assert.HasCount(5, hub.Clock.Waits);
        Assert.AreEqual(6000, new FileInfo(hub.PartialFiles().Single()).Length);

        hub.OnCdn = null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        Assert.AreEqual(6000, hub.Cdn.Requests[^1].From, "The next time goes on.");
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    public async Task A_connection_that_brought_much_does_not_count_as_a_failure()
    {
        using LocalHub hub = new();
        hub.Files[LocalHub.Large] = new byte[8 << 20];
        hub.OnCdn = r => Answer.Part(r, hub.Files[LocalHub.Large]) with { CutAfter = (1 << 20) + 10 };
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        Assert.HasCount(8, hub.Cdn.Requests);
    }

    [TestMethod]
    [DataRow(200)]
    [DataRow(416)]
    [DataRow(206)]
    public async Task A_server_that_does_not_send_the_part_that_was_asked_for_sends_all_again(int status)
    {
        using LocalHub hub = new();
        byte[] file = hub.Files[LocalHub.Large];
        int requests = 0;
        hub.OnCdn = r => ++requests switch
        {
            1 => Whole(hub) with { CutAfter = Half },
            2 => status switch
            {
                200 => Whole(hub),
                416 => new Answer(416, []),
                _ => new Answer(206, file[1..], ("Content-Range", "bytes 1-299999/300000")),
            },
            _ => null,
        };
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        CollectionAssert.AreEqual(status == 200 ? [0, Half] : new[] { 0, Half, 0 }, hub.Cdn.Requests.Select(r => r.From).ToArray());
    }

    [TestMethod]
    [DataRow(299_999)]
    [DataRow(300_001)]
    public async Task A_file_of_another_length_than_was_announced_is_refused(int length)
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => new Answer(200, new byte[length]);
        DownloadException e = await hub.FailAsync();
        Assert.AreEqual(DownloadFailure.Damaged, e.Failure);
        StringAssert.Contains(e.Message, FormattableString.Invariant($"announced 300000 bytes and sends {length}"));
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    public async Task More_bytes_than_were_announced_are_not_kept()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => new Answer(200, new byte[10_000_000]) { Length = -1 };
        DownloadException e = await hub.FailAsync();
        Assert.AreEqual(DownloadFailure.Damaged, e.Failure);
        StringAssert.Contains(e.Message, "sends more");
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    [DataRow(LocalHub.Large)]
    [DataRow(LocalHub.Small)]
    public async Task A_file_with_another_hash_is_loaded_again_once_and_refused_then(string file)
    {
        using LocalHub hub = new();
        byte[] wrong = [.. hub.Files[file]];
        wrong[5]++;
        int requests = 0;
        Answer? Wrong(Request r) => r.Method == "GET" && !r.Path.EndsWith(LocalHub.Large, StringComparison.Ordinal) && ++requests > 0 ? new Answer(200, wrong) : null;
        (hub.OnHub, hub.OnCdn) = (Wrong, file == LocalHub.Large ? Wrong : null);
        DownloadException e = await hub.FailAsync(file);
        Assert.AreEqual((DownloadFailure.Damaged, 2), (e.Failure, requests));
        StringAssert.Contains(e.Message, "arrived damaged");
        Assert.IsEmpty(hub.PartialFiles());

        (hub.OnHub, hub.OnCdn) = (null, null);
        hub.AssertIs(file, await hub.DownloadAsync(file));
    }

    [TestMethod]
    public async Task What_was_left_of_another_file_is_found_out_by_the_hash()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => Whole(hub) with { CutAfter = Half };
        await hub.FailAsync();
        hub.OnCdn = null;
        string left = hub.PartialFiles().Single();
        byte[] wrong = File.ReadAllBytes(left);
        wrong[10]++;
        File.WriteAllBytes(left, wrong);
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        CollectionAssert.AreEqual(new[] { wrong.Length, 0 }, hub.Cdn.Requests[^2..].Select(r => r.From).ToArray());
    }

    [TestMethod]
    public async Task The_file_of_a_living_process_is_left_alone()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => Whole(hub) with { CutAfter = Half };
        await hub.FailAsync();
        hub.OnCdn = null;
        string left = hub.PartialFiles().Single();
        string other = left.Replace(Environment.ProcessId.ToString("x8", null), OperatingSystem.IsWindows() ? "00000004" : "00000001", StringComparison.Ordinal);
        File.Move(left, other);
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        Assert.AreEqual(0, hub.Cdn.Requests[^1].From);
        CollectionAssert.AreEqual(new[] { other }, hub.PartialFiles());
    }

    [TestMethod]
    [DataRow("7", 7)]
    [DataRow("0", 0)]
    public async Task A_server_that_asks_to_wait_is_waited_for(string header, int seconds)
    {
        using LocalHub hub = new();
        int requests = 0;
        hub.OnHub = _ => ++requests == 1 ? Answer.Text(429, "slow down", ("Retry-After", header)) : null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        // Polly does not wait at all for nothing.
        CollectionAssert.AreEqual(seconds == 0 ? [] : new[] { TimeSpan.FromSeconds(seconds) }, hub.Clock.Waits.Where(w => w > TimeSpan.Zero).ToArray());
    }

    [TestMethod]
    public async Task A_server_that_asks_to_wait_for_long_is_not_waited_for()
    {
        using LocalHub hub = new();
        hub.OnHub = _ => Answer.Text(429, "", ("Retry-After", "3600"));
        DownloadException e = await hub.FailAsync();
        StringAssert.Contains(e.Message, "answers 429, and asks to wait 3600 s");
        Assert.HasCount(1, hub.Server.Requests);
    }

    [TestMethod]
    [DataRow(500)]
    [DataRow(503)]
    [DataRow(408)]
    public async Task A_server_in_trouble_is_asked_again_five_times(int status)
    {
        using LocalHub hub = new();
        int requests = 0;
        hub.OnHub = _ => ++requests <= 5 ? Answer.Text(status, "trouble") : null;
        hub.OnCdn = r => hub.Cdn.Requests.Length <= 5 ? Answer.Text(status, "trouble") : null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());

        using LocalHub always = new();
        always.OnHub = _ => Answer.Text(status, "trouble");
        DownloadException e = await always.FailAsync();
        Assert.AreEqual(DownloadFailure.Server, e.Failure);
        StringAssert.Contains(e.Message, $"{HubHttp.ShowServer(always.Server.Address)} answers {status}");
        Assert.HasCount(6, always.Server.Requests);
        Assert.IsLessThan(30.0, always.Clock.Waits.Sum(w => w.TotalSeconds));
    }

    [TestMethod]
    public async Task A_server_that_falls_silent_is_left_and_asked_again()
    {
        using LocalHub hub = new();
        hub.OnCdn = r => r.From == 0 ? Whole(hub) with { StallAfter = Half } : null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync(options: hub.Options(read: TimeSpan.FromMilliseconds(200))));
        Assert.AreEqual(Half, hub.Cdn.Requests[^1].From);
    }

    [TestMethod]
    public async Task A_server_that_never_answers_is_named()
    {
        using LocalHub hub = new();
        hub.OnHub = _ => new Answer(200, []) { IsSilent = true };
        DownloadException e = await hub.FailAsync(options: hub.Options(answer: TimeSpan.FromMilliseconds(30)));
        Assert.AreEqual(DownloadFailure.Unreachable, e.Failure);
        StringAssert.Contains(e.Message, $"{HubHttp.ShowServer(hub.Server.Address)} did not answer in time");
        Assert.HasCount(6, hub.Server.Requests);
    }

    [TestMethod]
    public async Task A_refusal_by_the_host_of_large_files_is_called_that_hosts()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => Answer.Text(403, "");
        DownloadException e = await hub.FailAsync();
        Assert.AreEqual(DownloadFailure.Server, e.Failure);
        StringAssert.Contains(e.Message, $"{HubHttp.ShowServer(hub.Cdn.Address)} answers 403");
    }

    [TestMethod]
    public async Task A_server_that_drips_is_too_slow()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => Whole(hub) with { StallAfter = 10 };
        DownloadException e = await hub.FailAsync(options: hub.Options(block: TimeSpan.FromMilliseconds(50)));
        Assert.AreEqual(DownloadFailure.Unreachable, e.Failure);
        StringAssert.Contains(e.Message, "too slowly");
    }

    [TestMethod]
    public async Task The_token_goes_to_the_hub_alone()
    {
        using LocalHub hub = new();
        await hub.DownloadAsync();
        Assert.IsTrue(hub.Server.Requests.All(r => r.Headers["Authorization"] == "Bearer " + LocalHub.Token));
        Assert.IsFalse(hub.Cdn.Requests.Any(r => r.Headers.ContainsKey("Authorization")));
        Assert.IsTrue(hub.Server.Requests.Concat(hub.Cdn.Requests).All(r => r.Headers["Accept-Encoding"] == "identity"));
        await hub.DownloadCheckpointAsync(LocalHub.Sha256(hub.Files[LocalHub.Large]));
        Assert.IsFalse(hub.Cdn.Requests.Any(r => r.Headers.ContainsKey("Authorization")));
    }

    [TestMethod]
    public async Task A_mirror_that_redirects_everything_is_followed_without_the_token()
    {
        using LocalHub hub = new();
        using LocalServer mirror = new(r => Answer.Text(308, "", ("Location", new Uri(hub.Server.Address, r.Path).ToString())));
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync(options: hub.Options(endpoint: mirror.Address)));
        Assert.IsFalse(hub.Server.Requests.Any(r => r.Headers.ContainsKey("Authorization")));
    }

    [TestMethod]
    public async Task A_renamed_repository_is_followed_with_the_token()
    {
        using LocalHub hub = new();
        hub.OnHub = r => r.Path.StartsWith("/old/", StringComparison.Ordinal) ? Answer.Text(307, "", ("Location", r.Path.Replace("/old/name/", "/me/model/", StringComparison.Ordinal)), ("ETag", "\"no file's\"")) : null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync(repository: "old/name"));
        Assert.IsTrue(hub.Server.Requests.All(r => r.Headers.ContainsKey("Authorization")));
    }

    [TestMethod]
    [DataRow("/again", "in a circle")]
    [DataRow("ftp://127.0.0.1/x", "which is not encrypted")]
    [DataRow("http://", "answers as no hub does")]
    public async Task Redirections_that_lead_nowhere_are_an_error(string location, string problem)
    {
        using LocalHub hub = new();
        hub.OnHub = _ => Answer.Text(302, "", ("Location", location));
        DownloadException e = await hub.FailAsync();
        Assert.AreEqual(DownloadFailure.Server, e.Failure);
        StringAssert.Contains(e.Message, problem);
    }

    [TestMethod]
    public async Task A_file_that_changes_before_it_is_loaded_is_asked_for_again()
    {
        using LocalHub hub = new();
        byte[] old = hub.Files[LocalHub.Small], changed = [.. old, (byte)' '];
        hub.OnHub = r =>
        {
            if (r.Method == "GET")
                hub.Files[LocalHub.Small] = changed;
            return null;
        };
        string path = await hub.DownloadAsync(LocalHub.Small);
        hub.AssertIs(LocalHub.Small, path);
        CollectionAssert.AreEqual(changed, File.ReadAllBytes(path));
    }

    [TestMethod]
    public async Task A_file_that_never_stops_changing_is_an_error()
    {
        using LocalHub hub = new();
        hub.OnHub = r =>
        {
            hub.Files[LocalHub.Small] = [.. hub.Files[LocalHub.Small], (byte)' '];
            return null;
        };
        DownloadException e = await hub.FailAsync(LocalHub.Small);
        Assert.AreEqual(DownloadFailure.Damaged, e.Failure);
        StringAssert.Contains(e.Message, "changes while it is downloaded");
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow(2000)]
    public async Task A_compressed_answer_is_decompressed_though_identity_was_asked_for(int? cut)
    {
        using LocalHub hub = new();
        hub.Files[LocalHub.Small] = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * i / 7))];
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionMode.Compress, leaveOpen: true))
            gzip.Write(hub.Files[LocalHub.Small]);
        (string, string)[] headers = [("Content-Encoding", "gzip"), ("X-Repo-Commit", LocalHub.Commit), ("ETag", $"W/\"{LocalHub.GitHash(hub.Files[LocalHub.Small])}\"")];
        int requests = 0;
        hub.OnHub = r => r.Method == "HEAD" || ++requests == 1 ? new Answer(200, compressed.ToArray(), headers) { CutAfter = cut } : null;
        hub.AssertIs(LocalHub.Small, await hub.DownloadAsync(LocalHub.Small));
        Assert.AreEqual(cut is null ? 1 : 2, requests);
    }

    [TestMethod]
    public async Task A_sign_in_page_is_no_hub()
    {
        using LocalHub hub = new();
        hub.OnHub = _ => Answer.Text(200, "<html>Welcome to our hotel</html>", ("Content-Type", "text/html"));
        DownloadException e = await hub.FailAsync();
        Assert.AreEqual(DownloadFailure.Server, e.Failure);
        StringAssert.Contains(e.Message, "answers as no hub does");
    }

    [TestMethod]
    [DataRow("me/model", "main", 403, "GatedRepo", DownloadFailure.Denied, "accept its terms at {0}me/model and use your token; the one that was sent has no access")]
    [DataRow("me/model", "main", 401, "GatedRepo", DownloadFailure.Denied, "accept its terms at {0}me/model")]
    [DataRow("me/model", "main", 401, "", DownloadFailure.Denied, "There is no repository of me/model/model.safetensors, or it is private")]
    [DataRow("me/nothing", "main", 0, "", DownloadFailure.NotFound, "There is no repository of me/nothing/model.safetensors, or it is private")]
    [DataRow("me/model", "v9", 0, "", DownloadFailure.NotFound, "There is no such revision: me/model/model.safetensors at v9")]
    [DataRow("me/model", "main", 400, "", DownloadFailure.Server, "answers 400")]
    public async Task A_refusal_is_explained(string repository, string revision, int status, string code, DownloadFailure failure, string message)
    {
        using LocalHub hub = new();
        hub.OnHub = _ => status == 0 ? null : Answer.Text(status, "", ("X-Error-Code", code), ("X-Error-Message", "because"));
        DownloadException e = await hub.FailAsync(repository: repository, revision: revision);
        Assert.AreEqual(failure, e.Failure);
        StringAssert.Contains(e.Message, string.Format(null, message, hub.Server.Address));
        StringAssert.Contains(e.Message, HubHttp.ShowServer(hub.Server.Address));
        Assert.HasCount(1, hub.Server.Requests, "It would be the same the next time.");
    }

    [TestMethod]
    [DataRow(null, "127.0.0.1")]
    [DataRow("http://hub.invalid", "no host 'hub.invalid' is known")]
    public async Task A_host_that_cannot_be_reached_is_named_at_once(string? address, string named)
    {
        using LocalHub hub = new();
        LocalServer gone = new(_ => Answer.Text(500, ""));
        gone.Dispose();
        DownloadException e = await hub.FailAsync(options: hub.Options(endpoint: address is null ? gone.Address : new Uri(address)));
        Assert.AreEqual(DownloadFailure.Unreachable, e.Failure);
        StringAssert.Contains(e.Message, named);
        StringAssert.Contains(e.Message, "cannot be reached");
        Assert.IsEmpty(hub.Clock.Waits);
    }

    [TestMethod]
    public async Task Offline_nothing_is_asked()
    {
        using LocalHub hub = new();
        DownloadException e = await hub.FailAsync(options: hub.Options(offline: "HF_HUB_OFFLINE=1"));
        Assert.AreEqual(DownloadFailure.Offline, e.Failure);
        StringAssert.Contains(e.Message, "HF_HUB_OFFLINE=1");
        Assert.IsEmpty(hub.Server.Requests);
    }

    [TestMethod]
    public async Task A_cache_that_cannot_be_written_is_named()
    {
        using LocalHub hub = new();
        string file = Path.Combine(Directory.CreateDirectory(hub.Checkpoints).FullName, "file.lock"), cache = Path.Combine(file, "hub");
        File.WriteAllBytes(file, []);
        DownloadException e = await hub.FailAsync(options: hub.Options(cache: cache));
        Assert.AreEqual(DownloadFailure.Storage, e.Failure);
        StringAssert.Contains(e.Message, $"'{cache}' cannot be written to");
        StringAssert.Contains(e.Message, "HF_HUB_CACHE");
        e = await Assert.ThrowsExactlyAsync<DownloadException>(() => hub.DownloadCheckpointAsync("x-01234567.pth", hub.Options(cache: cache)));
        StringAssert.Contains(e.Message, "TORCH_HOME");
        e = await hub.FailAsync(options: new HubOptions { CacheFolder = cache, CheckpointFolder = cache, FolderSetting = "CacheDir", Endpoint = hub.Server.Address });
        StringAssert.Contains(e.Message, "CacheDir chooses another folder.");
    }

    [TestMethod]
    public async Task A_disk_without_room_is_found_out_before_the_download()
    {
        using LocalHub hub = new();
        DownloadException e = await hub.FailAsync(options: hub.Options(space: _ => 1000));
        Assert.AreEqual(DownloadFailure.Storage, e.Failure);
        StringAssert.Contains(e.Message, "takes 300000 bytes more, 1000 are free");
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void A_disk_that_is_full_is_called_so()
    {
        using FileStream full = new("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        IOException e = Assert.ThrowsExactly<IOException>(() => full.Write(new byte[1000]));
        StringAssert.StartsWith(Storage.Explain(e, "/cache", "HF_HUB_CACHE").Message, "The disk of '/cache' is full");
    }

    [TestMethod]
    public async Task Reports_say_what_how_large_under_which_license_and_from_where()
    {
        using LocalHub hub = new();
        hub.Files[LocalHub.Large] = new byte[3 << 20];
        string path = await hub.DownloadAsync();
        string server = HubHttp.ShowServer(hub.Server.Address);
        Assert.AreEqual($"Downloading me/model/model.safetensors (3.1 MB, license apache-2.0) from {server}", hub.Reports[0].ToString());
        Assert.IsTrue(hub.Reports[1..^1].All(r => r.Stage == DownloadStage.Receiving));
        Assert.IsInRange(2, 3, hub.Reports.Length - 2);
        Assert.EndsWith($"Downloaded me/model/model.safetensors (3.1 MB) to {Path.Combine(hub.Folder, "blobs", LocalHub.Sha256(hub.Files[LocalHub.Large]))}", hub.Reports[^1].ToString());
        hub.AssertIs(LocalHub.Large, path);
    }

    [TestMethod]
    public async Task A_download_that_is_cancelled_can_be_gone_on_with()
    {
        using LocalHub hub = new();
        hub.OnCdn = r => r.From == 0 ? Whole(hub) with { StallAfter = Half } : null;
        using CancellationTokenSource cancellation = new();
        using HubClient client = new(hub.Options());
        Task<string> download = client.DownloadFileAsync(LocalHub.Repository, LocalHub.Large, cancellation: cancellation.Token);
        await LocalHub.UntilAsync(() => hub.PartialFiles() is [var partial] && new FileInfo(partial).Length >= 2 * 65536);
        cancellation.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => download);
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        Assert.AreEqual(Half, hub.Cdn.Requests[^1].From);
    }

    private static Answer Whole(LocalHub hub) => new(200, hub.Files[LocalHub.Large]);
}
