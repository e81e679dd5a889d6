using Backbones.Weights.Hub;

namespace Backbones.Tests.Weights.Hub;

/// <summary>What a download leaves is what huggingface_hub would have left, and what that has left is found: layout as in "Manage your cache".</summary>
[TestClass]
public sealed class HubCacheTests
{
    [TestMethod]
    public async Task A_download_has_the_layout_that_Python_reads()
    {
        using LocalHub hub = new();
        hub.Files["sub/labels.json"] = "[]"u8.ToArray();
        string path = await hub.DownloadAsync();
        Assert.AreEqual(Path.Combine(hub.Folder, "snapshots", LocalHub.Commit, LocalHub.Large), path);
        hub.AssertIs(LocalHub.Large, path);
        Assert.AreEqual(LocalHub.Commit, File.ReadAllText(Path.Combine(hub.Folder, "refs", "main")), "No newline: Python takes the file as it is.");
        Assert.AreEqual(string.Join('/', "..", "..", "blobs", LocalHub.Sha256(hub.Files[LocalHub.Large])), new FileInfo(path).LinkTarget?.Replace('\\', '/'));
        Assert.IsTrue(File.Exists(Path.Combine(hub.Cache, ".locks", "models--me--model", LocalHub.Sha256(hub.Files[LocalHub.Large]) + ".lock")));

        string nested = await hub.DownloadAsync("sub/labels.json");
        Assert.AreEqual(string.Join('/', "..", "..", "..", "blobs", LocalHub.GitHash(hub.Files["sub/labels.json"])), new FileInfo(nested).LinkTarget?.Replace('\\', '/'));
        Assert.HasCount(4, hub.WholeFiles(), "Two blobs, two links.");
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    public async Task What_is_in_the_cache_is_not_asked_for()
    {
        using LocalHub hub = new();
        await hub.DownloadAsync();
        int requests = hub.Server.Requests.Length;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync(revision: LocalHub.Commit));
        Assert.HasCount(requests, hub.Server.Requests);
        Assert.HasCount(1, hub.Cdn.Requests);
    }

    [TestMethod]
    public async Task What_Python_has_downloaded_is_found_offline()
    {
        using LocalHub hub = new();
        string blob = LocalHub.Sha256(hub.Files[LocalHub.Large]), snapshot = Path.Combine(hub.Folder, "snapshots", LocalHub.Commit);
        foreach (string folder in new[] { "blobs", "refs/refs/pr" })
            Directory.CreateDirectory(Path.Combine(hub.Folder, folder));
        Directory.CreateDirectory(snapshot);
        File.WriteAllBytes(Path.Combine(hub.Folder, "blobs", blob), hub.Files[LocalHub.Large]);
        File.CreateSymbolicLink(Path.Combine(snapshot, LocalHub.Large), Path.Combine("..", "..", "blobs", blob));
        File.WriteAllText(Path.Combine(hub.Folder, "refs", "main"), LocalHub.Commit);
        File.WriteAllText(Path.Combine(hub.Folder, "refs", "refs", "pr", "1"), LocalHub.Commit);
        foreach (string revision in new[] { "main", "refs/pr/1", LocalHub.Commit })
            hub.AssertIs(LocalHub.Large, await hub.DownloadAsync(options: hub.Options(offline: "HF_HUB_OFFLINE=1"), revision: revision));
        Assert.IsEmpty(hub.Server.Requests);
    }

    [TestMethod]
    public async Task A_revision_with_slashes_is_one_part_of_the_address_and_a_path_among_the_refs()
    {
        using LocalHub hub = new();
        await hub.DownloadAsync(LocalHub.Small, revision: "refs/pr/1");
        Assert.AreEqual("/me/model/resolve/refs%2Fpr%2F1/config.json", hub.Server.Requests[0].Path);
        Assert.AreEqual(LocalHub.Commit, File.ReadAllText(Path.Combine(hub.Folder, "refs", "refs", "pr", "1")));
    }

    [TestMethod]
    public async Task A_content_that_another_commit_has_is_not_downloaded_again()
    {
        using LocalHub hub = new();
        await hub.DownloadAsync();
        string other = LocalHub.Commit.Replace('0', 'f');
        hub.OnHub = r => Answer.Text(302, "", ("Location", $"{hub.Cdn.Address}x"), ("X-Repo-Commit", other), ("X-Linked-Etag", $"\"{LocalHub.Sha256(hub.Files[LocalHub.Large])}\""), ("X-Linked-Size", "300000"));
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync(revision: "v2"));
        Assert.HasCount(1, hub.Cdn.Requests);
    }

    [TestMethod]
    public async Task Where_links_cannot_be_the_file_lies_in_the_snapshot()
    {
        using LocalHub hub = new();
        HubOptions options = hub.Options(useLinks: false);
        string path = await hub.DownloadAsync(options: options);
        Assert.IsNull(new FileInfo(path).LinkTarget);
        hub.AssertIs(LocalHub.Large, path);
        CollectionAssert.AreEqual(new[] { path }, hub.WholeFiles());

        // A blob that is there may be another snapshot's: it is copied.
        await hub.DownloadAsync(LocalHub.Small);
        File.Delete(Path.Combine(hub.Folder, "snapshots", LocalHub.Commit, LocalHub.Small));
        path = await hub.DownloadAsync(LocalHub.Small, options);
        Assert.IsNull(new FileInfo(path).LinkTarget);
        hub.AssertIs(LocalHub.Small, path);
        Assert.IsTrue(File.Exists(Path.Combine(hub.Folder, "blobs", LocalHub.GitHash(hub.Files[LocalHub.Small]))));
    }

    [TestMethod]
    public async Task That_a_file_is_not_there_is_remembered()
    {
        using LocalHub hub = new();
        DownloadException e = await hub.FailAsync("pytorch_model.bin");
        Assert.AreEqual((DownloadFailure.NotFound, true), (e.Failure, e.IsFileMissing));
        Assert.IsTrue(File.Exists(Path.Combine(hub.Folder, ".no_exist", LocalHub.Commit, "pytorch_model.bin")));
        Assert.AreEqual(LocalHub.Commit, File.ReadAllText(Path.Combine(hub.Folder, "refs", "main")));
        e = await hub.FailAsync("pytorch_model.bin", hub.Options(offline: "HF_HUB_OFFLINE=1"));
        Assert.IsTrue(e.IsFileMissing);
        Assert.HasCount(1, hub.Server.Requests);
    }

    [TestMethod]
    public async Task A_cut_off_blob_is_not_taken_for_whole()
    {
        using LocalHub hub = new();
        string blob = Path.Combine(hub.Folder, "blobs", LocalHub.Sha256(hub.Files[LocalHub.Large]));
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        File.WriteAllBytes(blob, hub.Files[LocalHub.Large][..1000]);
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
    }

    [TestMethod]
    [DataRow("../model", "config.json", "main", "'../model' is not a repository")]
    [DataRow("a/b/c", "config.json", "main", "'a/b/c' is not a repository")]
    [DataRow("a--b/c", "config.json", "main", "'a--b/c' is not a repository")]
    [DataRow("", "config.json", "main", "'' is not a repository")]
    [DataRow("me/model", "../config.json", "main", "'../config.json' is not a file")]
    [DataRow("me/model", "/etc/passwd", "main", "'/etc/passwd' is not a file")]
    [DataRow("me/model", "C:\\x", "main", "is not a file")]
    [DataRow("me/model", "a\nb", "main", "is not a file")]
    [DataRow("me/model", "config.json", "../../x", "'../../x' is not a revision")]
    public async Task Names_that_lead_elsewhere_are_refused(string repository, string file, string revision, string problem)
    {
        using LocalHub hub = new();
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<ArgumentException>(() => hub.DownloadAsync(file, repository: repository, revision: revision))).Message, problem);
        Assert.IsEmpty(hub.Server.Requests);
    }

    [TestMethod]
    [DataRow("X-Repo-Commit", "../../../x", "says the commit '../../../x'")]
    [DataRow("ETag", "\"../../x\"", "says the etag '../../x'")]
    [DataRow("X-Repo-Commit", "", "says no commit")]
    [DataRow("ETag", "", "says no etag")]
    public async Task Names_from_a_server_are_not_trusted(string header, string value, string problem)
    {
        using LocalHub hub = new();
        (string Name, string Value)[] headers = [("X-Repo-Commit", LocalHub.Commit), ("ETag", "\"abc\"")];
        hub.OnHub = _ => Answer.Text(200, "{}", [.. headers.Where(h => h.Name != header), (header, value)]);
        DownloadException e = await hub.FailAsync(LocalHub.Small);
        Assert.AreEqual(DownloadFailure.Server, e.Failure);
        StringAssert.Contains(e.Message, problem);
        StringAssert.Contains(e.Message, "HF_ENDPOINT");
    }
}
