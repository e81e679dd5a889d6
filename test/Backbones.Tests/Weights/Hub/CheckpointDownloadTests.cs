using Backbones.Weights.Hub;

namespace Backbones.Tests.Weights.Hub;

/// <summary>Weights that have an address: torch's folder, the digits in the file's name.</summary>
[TestClass]
public sealed class CheckpointDownloadTests
{
    private static readonly byte[] s_content = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i / 3))];

    private static readonly string s_digits = LocalHub.Sha256(s_content)[..8];

    [TestMethod]
    [DataRow("0.0.1/resnet18-{0}.pth")]
    [DataRow("IN1K-vit.h.14-300e.pth.tar")]
    [DataRow("resnet18-abc.pth")]
    public async Task The_file_is_where_torch_looks_for_it(string name)
    {
        using LocalHub hub = new();
        hub.OnCdn = r => Answer.Part(r, s_content);
        string path = await hub.DownloadCheckpointAsync(string.Format(null, name, s_digits));
        Assert.AreEqual(Path.Combine(hub.Checkpoints, string.Format(null, name.Split('/')[^1], s_digits)), path);
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(path));
        await hub.DownloadCheckpointAsync(string.Format(null, name, s_digits));
        Assert.HasCount(1, hub.Cdn.Requests);
    }

    [TestMethod]
    public async Task Digits_of_the_name_that_are_not_the_files_are_an_error()
    {
        using LocalHub hub = new();
        hub.OnCdn = r => Answer.Part(r, s_content);
        DownloadException e = await Assert.ThrowsExactlyAsync<DownloadException>(() => hub.DownloadCheckpointAsync("resnet18-01234567.pth"));
        Assert.AreEqual(DownloadFailure.Damaged, e.Failure);
        StringAssert.Contains(e.Message, $"should have SHA256 01234567 and has {s_digits}");
        Assert.IsEmpty(hub.WholeFiles());
    }

    [TestMethod]
    public async Task A_file_whose_length_nobody_says_is_taken_only_by_its_hash()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => new Answer(200, s_content) { Length = -1 };
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<DownloadException>(() => hub.DownloadCheckpointAsync("vit.pth"))).Message, "does not say how long vit.pth is");
        CollectionAssert.AreEqual(s_content, File.ReadAllBytes(await hub.DownloadCheckpointAsync($"vit-{s_digits}.pth")));
        hub.OnCdn = _ => new Answer(200, s_content) { Length = -1, CutAfter = 1000 };
        await Assert.ThrowsExactlyAsync<DownloadException>(() => hub.DownloadCheckpointAsync($"vit2-{s_digits}.pth"));
        Assert.HasCount(1, hub.WholeFiles());
    }

    [TestMethod]
    [DataRow("\"a\"", "\"a\"", 100_000)]
    [DataRow("\"a\"", "\"b\"", 0)]
    [DataRow("", "", 0)]
    public async Task Without_a_hash_only_the_same_etag_goes_on(string first, string second, int last)
    {
        using LocalHub hub = new();
        int requests = 0;
        hub.OnCdn = r => ++requests == 1
            ? Answer.Part(r, new byte[200_000], ("ETag", first)) with { CutAfter = 100_000 }
            : Answer.Part(r, s_content, ("ETag", second));
        string path = await hub.DownloadCheckpointAsync("vit.pth");
        byte[] expected = last == 0 ? s_content : [.. new byte[100_000], .. s_content[100_000..]];
        CollectionAssert.AreEqual(expected, File.ReadAllBytes(path));
        Assert.AreEqual(last, hub.Cdn.Requests[^1].From);
    }

    [TestMethod]
    public async Task A_file_that_is_not_there_is_named_with_its_server()
    {
        using LocalHub hub = new();
        hub.OnCdn = _ => Answer.Text(404, "");
        DownloadException e = await Assert.ThrowsExactlyAsync<DownloadException>(() => hub.DownloadCheckpointAsync("vit.pth"));
        Assert.AreEqual(DownloadFailure.NotFound, e.Failure);
        StringAssert.Contains(e.Message, $"There is no file vit.pth ({HubHttp.ShowServer(hub.Cdn.Address)} answers 404)");
    }

    [TestMethod]
    [DataRow("http://127.0.0.1/")]
    [DataRow("http://127.0.0.1/a%2F..%2Fb")]
    [DataRow("file:///etc/passwd")]
    public async Task Addresses_that_name_no_file_are_refused(string address)
    {
        using LocalHub hub = new();
        using HubClient client = new(hub.Options());
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => client.DownloadCheckpointAsync(new Uri(address)));
    }
}
