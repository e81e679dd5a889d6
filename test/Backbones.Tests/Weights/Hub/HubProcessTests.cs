using System.Diagnostics;
using Backbones.Weights.Hub;

namespace Backbones.Tests.Weights.Hub;

/// <summary>Several processes, and such that are killed.</summary>
[TestClass]
public sealed class HubProcessTests
{
    [TestMethod]
    public async Task Several_at_once_download_a_file_once()
    {
        using LocalHub hub = new();
        using ManualResetEventSlim all = new();
        hub.OnCdn = _ =>
        {
            all.Wait(TimeSpan.FromSeconds(30));
            return null;
        };
        using Process one = Start(hub), two = Start(hub);
        Task<string> three = hub.DownloadAsync(), four = hub.DownloadAsync();
        // Every one asks what the file is called before it waits.
        await LocalHub.UntilAsync(() => hub.Server.Requests.Count(r => r.Method == "HEAD") >= 4);
        all.Set();
        string path = await three;
        Assert.AreEqual(path, await four);
        Assert.AreEqual(path, await PathOf(one));
        Assert.AreEqual(path, await PathOf(two));
        hub.AssertIs(LocalHub.Large, path);
        Assert.HasCount(1, hub.Cdn.Requests);
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    public async Task Without_links_several_at_once_download_a_file_once_too()
    {
        using LocalHub hub = new();
        using ManualResetEventSlim all = new();
        hub.OnCdn = _ =>
        {
            all.Wait(TimeSpan.FromSeconds(30));
            return null;
        };
        Task<string>[] downloads = [.. Enumerable.Range(0, 3).Select(_ => hub.DownloadAsync(options: hub.Options(useLinks: false)))];
        await LocalHub.UntilAsync(() => hub.Server.Requests.Count(r => r.Method == "HEAD") >= 3);
        all.Set();
        string[] paths = await Task.WhenAll(downloads);
        hub.AssertIs(LocalHub.Large, paths[0]);
        CollectionAssert.AreEqual(new[] { paths[0] }, hub.WholeFiles());
        Assert.HasCount(1, hub.Cdn.Requests);
    }

    [TestMethod]
    public async Task What_a_killed_process_has_left_is_gone_on_with()
    {
        using LocalHub hub = new();
        const int Left = 4 * 65536;
        hub.OnCdn = r => Answer.Part(r, hub.Files[LocalHub.Large]) with { StallAfter = r.From == 0 ? Left : 10 };
        using (Process first = Start(hub))
        {
            await LocalHub.UntilAsync(() => hub.PartialFiles() is [var partial] && new FileInfo(partial).Length >= Left);
            first.Kill();
            await first.WaitForExitAsync();
        }
        Assert.IsEmpty(hub.WholeFiles());
        using (Process second = Start(hub))
        {
            await LocalHub.UntilAsync(() => hub.Cdn.Requests.Length >= 2);
            second.Kill();
            await second.WaitForExitAsync();
        }
        Assert.IsEmpty(hub.WholeFiles());
        hub.OnCdn = null;
        hub.AssertIs(LocalHub.Large, await hub.DownloadAsync());
        CollectionAssert.AreEqual(new[] { 0, Left, Left }, hub.Cdn.Requests.Select(r => r.From).ToArray());
        Assert.IsEmpty(hub.PartialFiles());
    }

    [TestMethod]
    public async Task The_environment_says_the_proxy()
    {
        using LocalHub hub = new();
        List<string> asked = [];
        using LocalServer proxy = new(r =>
        {
            lock (asked)
                asked.Add(r.Path);
            byte[] file = hub.Files[LocalHub.Small];
            return new Answer(200, file, ("X-Repo-Commit", LocalHub.Commit), ("ETag", $"\"{LocalHub.GitHash(file)}\""));
        });
        using Process process = Start(hub, LocalHub.Small, ("HF_ENDPOINT", "http://hub.invalid"), ("HTTP_PROXY", proxy.Address.ToString()), ("http_proxy", proxy.Address.ToString()));
        hub.AssertIs(LocalHub.Small, await PathOf(process));
        Assert.AreEqual("http://hub.invalid/me/model/resolve/main/config.json", asked[0]);
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public async Task A_lock_that_Python_holds_is_waited_for()
    {
        using LocalHub hub = new();
        string path = new HubCache(hub.Cache).LockFile(LocalHub.Repository, LocalHub.Sha256(hub.Files[LocalHub.Large]));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // flock(1) takes the lock as the package filelock does: flock(2), exclusive.
        using Process holder = Process.Start(new ProcessStartInfo("flock", [path, "cat"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await holder.StandardInput.WriteLineAsync("held");
        await holder.StandardInput.FlushAsync();
        Assert.AreEqual("held", await holder.StandardOutput.ReadLineAsync());
        Task<string> download = hub.DownloadAsync();
        await LocalHub.UntilAsync(() => hub.Reports.Any(r => r.Stage == DownloadStage.Waiting));
        Assert.IsEmpty(hub.Cdn.Requests);
        holder.StandardInput.Close();
        hub.AssertIs(LocalHub.Large, await download);
        await holder.WaitForExitAsync();
    }

    private static Process Start(LocalHub hub, string file = LocalHub.Large, params (string Name, string Value)[] variables)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "DownloadProcess.dll"), LocalHub.Repository, file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in new[] { HubOptions.OfflineVariable, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN" })
            start.Environment.Remove(name);
        start.Environment["HF_ENDPOINT"] = hub.Server.Address.ToString();
        start.Environment["HF_HUB_CACHE"] = hub.Cache;
        start.Environment["HF_HUB_DOWNLOAD_TIMEOUT"] = "60";
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<string> PathOf(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync();
        string path = (await process.StandardOutput.ReadToEndAsync()).Trim();
        await process.WaitForExitAsync();
        Assert.AreEqual(0, process.ExitCode, await error);
        return path;
    }
}
