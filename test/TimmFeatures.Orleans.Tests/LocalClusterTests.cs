using System.Diagnostics.Metrics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Backbones;
using Backbones.Graphs;
using Microsoft.Extensions.Options;
using TimmFeatures.Cli;
using TimmFeatures.Cli.Serving;
using TimmFeatures.Cli.Tests;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Jobs;
using TimmFeatures.Service;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Orleans.Tests;

/// <summary>Jobs in one process, with nothing installed: what they make, and what they say.</summary>
[TestClass]
public sealed class LocalClusterTests
{
    private static ClusterClient s_cluster = null!;

    [ClassInitialize]
    public static async Task Start(TestContext context) => s_cluster = await Connect();

    [ClassCleanup]
    public static async Task Stop() => await s_cluster.DisposeAsync();

    [TestMethod]
    public async Task A_jobs_file_is_that_of_one_machine_and_says_which_pictures_failed_and_they_can_be_done_again()
    {
        using var set = new PictureSet(47, bad: 23);
        JobStatus done = await s_cluster.Ended((await s_cluster.SubmitAsync(set.Request("cluster.parquet"))).Id);
        Assert.AreEqual((JobPhase.Done, 47, 1, 5, 5), (done.Phase, done.Done, done.Failed, done.Parts, done.PartsDone), done.Error);
        PictureSet.AssertSame(set.OneMachine("one.parquet"), set["cluster.parquet"]);
        FailedPicture failed = done.FirstFailures.Single();
        Assert.AreEqual((23, set.PathOf(23)), (failed.Row, failed.Path));
        Assert.IsNotEmpty(failed.Error);

        set.Mend(23);
        Assert.AreEqual(JobPhase.Computing, (await s_cluster.RetryAsync(done.Id))!.Phase);
        JobStatus again = await s_cluster.Ended(done.Id);
        Assert.AreEqual((JobPhase.Done, 47, 0), (again.Phase, again.Done, again.Failed));
        PictureSet.AssertSame(set.OneMachine("mended.parquet"), set["cluster.parquet"]);
        await Gone(set["cluster.parquet.job"]);
    }

    [TestMethod]
    public async Task Pictures_come_from_archives_and_tables_too()
    {
        using var set = new PictureSet(12);
        ZipFile.CreateFromDirectory(set.Pictures, set["a.zip"]);
        TarFile.CreateFromDirectory(set.Pictures, set["b.tar"], includeBaseDirectory: false);
        File.WriteAllLines(set["c.csv"], ["path", "00003.bmp", "", "no.bmp"]);
        JobRequest request = set.Request("cluster.npz", partSize: 4) with { Pictures = [set["a.zip"], set["b.tar"], set["c.csv"]], PictureFolder = set.Pictures };
        JobStatus done = await s_cluster.Ended((await s_cluster.SubmitAsync(request)).Id);
        Assert.AreEqual((JobPhase.Done, 27, 2), (done.Phase, done.Pictures, done.Failed), done.Error);
        Tool.Succeed("extract", PictureSet.Model, set["a.zip"], set["b.tar"], set["c.csv"], "--image-folder", set.Pictures, "--random-weights", "--image-size", "64", "--bad-images", "skip", "-o", set["one.npz"]);
        PictureSet.AssertSame(set["one.npz"], set["cluster.npz"]);
    }

    [TestMethod]
    public async Task Jobs_take_turns_whichever_came_first()
    {
        IQueueGrain queue = s_cluster.Grains.GetGrain<IQueueGrain>(0);
        var worker = new WorkerInfo("a worker of nothing", ["nothing"]);
        foreach (string job in (string[])["large", "small", "middle"])
            await queue.Submit(new NewJob(job, "{}", "model", "out.npy", "nothing", 100, job == "small" ? 2 : 5));
        var order = new List<string>();
        while (await queue.Lease(worker) is { } lease)
            order.Add(lease.Job);
        Assert.HasCount(12, order);
        // Where the turn begins depends on what was before.
        CollectionAssert.AreEquivalent(new[] { "large", "large", "small", "small", "middle", "middle" }, order[..6]);
        for (int i = 1; i < order.Count; i++)
            Assert.AreNotEqual(order[i - 1], order[i], $"Twice in a row: {string.Join(' ', order)}");
        foreach (string job in (string[])["large", "small", "middle"])
            Assert.AreEqual(JobPhase.Cancelled, (await s_cluster.CancelAsync(job))!.Phase);
    }

    [TestMethod]
    public async Task A_worker_with_other_weights_another_version_or_no_folder_refuses_with_a_line()
    {
        using var set = new PictureSet(3);
        NewJob job = JobFolder.Prepare(set.Request("x.npy"), TextReader.Null, []);
        JobDescription description = SnakeCaseJson.Read<JobDescription>(job.Description);
        (string Id, JobDescription Description, string Said)[] cases =
        [
            ("weights", description with { Settings = description.Settings with { Weights = "abc" } }, "weights is \"abc\" there and \"random\" here"),
            ("version", description with { Settings = description.Settings with { Version = "9.9.9" } }, "version 9.9.9 of timm-features, and this worker has"),
            ("folder", description with { Output = set["nowhere/x.npy"] }, "There is no folder"),
            ("model", description with { Model = "resnet5" }, "resnet5"),
            ("device", description with { Device = "cuda" }, "cuda"),
        ];
        foreach ((string id, JobDescription changed, string said) in cases)
        {
            // What a worker has, its own version among it, cannot be told from outside: the job is changed instead.
            await s_cluster.Grains.GetGrain<IQueueGrain>(0).Submit(job with { Id = id, Description = SnakeCaseJson.Write(changed) });
            JobStatus refused = await s_cluster.Until(id, s => s.Refusals.Count > 0);
            Assert.Contains(said, refused.Refusals.Single().Reason);
            Assert.AreEqual(JobPhase.Computing, refused.Phase);
            await s_cluster.CancelAsync(id);
        }
    }

    /// <summary>Also what an overlay does that no option of the command does.</summary>
    [TestMethod]
    public async Task Models_made_otherwise_and_other_crops_are_sent_to_workers()
    {
        using var set = new PictureSet(12);
        string[] options = ["--random-weights", "--image-size", "64", "--model-args", """{"layers": [2, 1, 1, 1], "num_classes": 7}""", "--crop-pct", "0.5", "--crop-mode", "border", "--interpolation", "bilinear", "--logits"];
        Tool.Succeed(["extract", PictureSet.Model, set.Pictures, .. options, "-o", set["one.npy"]]);
        Tool.Succeed(["submit", PictureSet.Model, set.Pictures, .. options, "--part-size", "5", "-o", set["cluster.npy"]]);
        PictureSet.AssertSame(set["one.npy"], set["cluster.npy"]);
        Tool.Succeed("extract", PictureSet.Model, set.Pictures, "--random-weights", "--image-size", "64", "--logits", "-o", set["plain.npy"]);
        Assert.IsFalse(File.ReadAllBytes(set["plain.npy"]).AsSpan().SequenceEqual(File.ReadAllBytes(set["one.npy"])));

        JobRequest request = set.Request("overlaid.npy", partSize: 5);
        request = request with { Backbone = request.Backbone with { ConfigOverlay = c => c.WithModelArgs("""{"layers": [1, 2, 1, 1]}""") with { Mean = [0.5, 0.25, 0.125], CropPct = 0.3 } } };
        Assert.AreEqual(JobPhase.Done, (await s_cluster.Ended((await s_cluster.SubmitAsync(request)).Id)).Phase);
        PictureSet.AssertSame(set.OneMachine("alone.npy", request.Backbone), set["overlaid.npy"]);
        NewJob job = JobFolder.Prepare(request with { Output = set["again.npy"] }, TextReader.Null, []);
        Assert.Contains("config_overlay is {", Assert.ThrowsExactly<InvalidDataException>(() => JobFolder.Prepare(set.Request("again.npy", partSize: 5), TextReader.Null, [])).Message);
        Assert.AreEqual(job.Id, JobFolder.Prepare(request with { Output = set["again.npy"] }, TextReader.Null, []).Id);
    }

    /// <summary>A job's file as versions wrote it that knew no overlay.</summary>
    [TestMethod]
    public void Old_jobs_can_be_read()
    {
        using var set = new PictureSet(1);
        NewJob job = JobFolder.Prepare(set.Request("x.npy"), TextReader.Null, []);
        Assert.DoesNotContain("config_overlay", job.Description);
        Assert.DoesNotContain("cache_dir", job.Description);
        string old = $$"""
            {"id": "x-1", "output": "/x.npy", "parts": 1, "model": "resnet18", "weights_path": "/w.pth", "key_prefix": "a.", "random_weights": false, "image_size": {"h": 64, "w": 32},
            "use_test_size": true, "offline": true, "device": "cpu", "precision": "auto", "selection": {{JsonNode.Parse(job.Description)!["selection"]!.ToJsonString()}}, "exif": false}
            """;
        JobDescription read = JobDescription.Parse(old, "job.json");
        Assert.AreEqual(("/w.pth", "a.", (Size2?)(64, 32), true, true, null), (read.WeightsPath, read.KeyPrefix, read.ImageSize, read.UseTestSize, read.Offline, read.ConfigOverlay));
    }

    [TestMethod]
    public async Task What_a_service_serves_can_be_sent_to_workers()
    {
        using var set = new PictureSet(3);
        JsonObject config = new() { ["crop_pct"] = 0.5, ["crop_mode"] = "squash", ["model_args"] = new JsonObject { ["layers"] = new JsonArray(2, 1, 1, 1) } };
        var options = new LocalBackendOptions { Models = [new ServedModel("small", PictureSet.Model)], Backbone = PictureSet.Backbone with { ConfigOverlay = c => c.WithModelArgs("""{"layers": [2, 1, 1, 1]}""") with { CropPct = 0.5, CropMode = "squash" } } };
        using var metrics = new ServiceMetrics();
        await using var local = new LocalBackend(options, metrics);
        await using var worker = new PictureBackends(Options.Create(new WorkerOptions { Device = "cpu", Threads = 1 }));
        IFeatureBackend there = worker.Get(ServingSetup.Of(options, config).ToJson()), plain = worker.Get(ServingSetup.Of(options, null).ToJson());
        var query = new FeatureQuery("small", FeatureSelection.Pooled());
        byte[] picture = File.ReadAllBytes(set.PathOf(1));
        using PictureFeatures expected = await local.ComputeAsync(query, picture, CancellationToken.None), received = await there.ComputeAsync(query, picture, CancellationToken.None),
            other = await plain.ComputeAsync(query, picture, CancellationToken.None);
        Assert.IsTrue(expected.Values.Span.SequenceEqual(received.Values.Span));
        Assert.IsFalse(expected.Values.Span.SequenceEqual(other.Values.Span));
    }

    [TestMethod]
    public void What_cannot_be_sent_to_workers_is_refused()
    {
        using var set = new PictureSet(1);
        JobRequest request = set.Request("x.npy");
        Assert.Contains("4 were asked for", Assert.ThrowsExactly<NotSupportedException>(
            () => JobFolder.Prepare(request with { Backbone = request.Backbone with { InChannels = 4 } }, TextReader.Null, [])).Message);
        Assert.Contains("ConfigOverlay gave null", Assert.ThrowsExactly<ArgumentException>(
            () => JobFolder.Prepare(request with { Backbone = request.Backbone with { ConfigOverlay = _ => null! } }, TextReader.Null, [])).Message);
    }

    [TestMethod]
    public async Task A_folder_that_cannot_be_written_is_a_refusal_and_not_a_failure()
    {
        if (OperatingSystem.IsWindows())
            return; // root, whom these tests may run as, is kept from nothing but what is no folder
        using var set = new PictureSet(3);
        NewJob job = JobFolder.Prepare(set.Request("x.npy"), TextReader.Null, []);
        // A file where the staged parts would be.
        File.WriteAllText(set["x.npy.job/tmp"], "");
        await s_cluster.Grains.GetGrain<IQueueGrain>(0).Submit(job);
        JobStatus refused = await s_cluster.Until(job.Id, s => s.Refusals.Count > 0);
        Assert.Contains("x.npy.job' cannot be written here", refused.Refusals.Single().Reason);
        File.Delete(set["x.npy.job/tmp"]);
        await s_cluster.RetryAsync(job.Id);
        Assert.AreEqual(JobPhase.Done, (await s_cluster.Ended(job.Id)).Phase);
    }

    [TestMethod]
    public async Task The_same_job_twice_another_in_its_folder_and_a_file_in_its_place_are_errors()
    {
        using var set = new PictureSet(3);
        NewJob job = JobFolder.Prepare(set.Request("x.npy"), TextReader.Null, []);
        await s_cluster.Grains.GetGrain<IQueueGrain>(0).Submit(job with { DeviceKind = "nothing" });
        Assert.Contains("is at it", (await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => s_cluster.SubmitAsync(set.Request("x.npy")))).Message);
        Assert.Contains("exif", (await Assert.ThrowsExactlyAsync<InvalidDataException>(() => s_cluster.SubmitAsync(set.Request("x.npy") with { Exif = true }))).Message);
        await s_cluster.CancelAsync(job.Id);
        Assert.Contains($"retry {job.Id}", (await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => s_cluster.SubmitAsync(set.Request("x.npy")))).Message);
        File.WriteAllText(set["y.npy"], "");
        Assert.Contains("is there already", (await Assert.ThrowsExactlyAsync<IOException>(() => s_cluster.SubmitAsync(set.Request("y.npy")))).Message);
        Assert.IsNull(await s_cluster.StatusAsync("nobody"));
    }

    [TestMethod]
    public async Task A_job_that_the_cluster_has_lost_goes_on_with_the_parts_that_are_there()
    {
        // Many small parts: the job must not end before it is given up.
        using var set = new PictureSet(40);
        long computed = 0;
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == ClusterMeter.Name && instrument.Name == "timm_features.images")
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref computed, value));
        JobRequest request = set.Request("x.npy", partSize: 1);
        JobStatus job;
        await using (ClusterClient first = await Connect())
        {
            job = await first.SubmitAsync(request);
            await first.Until(job.Id, s => s.PartsDone >= 1);
            await first.CancelAsync(job.Id);
        }
        int there = Directory.GetDirectories(set["x.npy.job/parts"]).Length;
        meters.Start();
        await using (ClusterClient second = await Connect())
        {
            JobStatus again = await second.SubmitAsync(request);
            Assert.AreEqual(job.Id, again.Id);
            Assert.AreEqual(JobPhase.Done, (await second.Ended(job.Id)).Phase);
        }
        Assert.AreEqual(40 - there, computed);
        PictureSet.AssertSame(set.OneMachine("one.npy"), set["x.npy"]);
    }

    [TestMethod]
    public void The_command_does_it_alone_and_says_in_a_line_what_makes_no_sense()
    {
        using var set = new PictureSet(5, bad: 4);
        string[] submit = ["submit", PictureSet.Model, set.Pictures, "--random-weights", "--image-size", "64", "--part-size", "2", "-o", set["x.csv"]];
        Tool run = Tool.Run([.. submit, "--json"]);
        Assert.AreEqual(0, run.ExitCode, run.Error);
        Assert.Contains("\"phase\": \"done\"", run.Out);
        Assert.HasCount(6, File.ReadAllLines(set["x.csv"]));
        Tool.Fail(ExitCode.Usage, [.. submit, "--cluster", "nonsense"], "'nonsense' is no cluster", "redis://HOST:PORT");
        Tool.Fail(ExitCode.Usage, ["status", "--cluster", "local"], "nothing to ask from outside");
        Tool.Fail(ExitCode.Usage, ["worker"], "--cluster redis://");
        Tool.Fail(ExitCode.Usage, ["worker", "--cluster", "redis://127.0.0.1:1", "--address", "x"], "--address 'x'");
        Tool.Fail(ExitCode.Usage, ["worker", "--cluster", "redis://127.0.0.1:1", "--otlp", "x"], "--otlp 'x'");
        Tool.Fail(ExitCode.Failure, ["worker", "--cluster", "redis://127.0.0.1:1", "--otlp", "http://127.0.0.1:1"], "Cannot reach the cluster 'redis://127.0.0.1:1'");
        Tool.Fail(ExitCode.Failure, ["status", "--cluster", "postgres://a:secret@127.0.0.1:1/x"], "Cannot reach the cluster 'postgres://a:…@127.0.0.1:1/x'");
        Tool.Fail(ExitCode.Failure, ["cluster-tables", "--cluster", "redis://127.0.0.1:1"], "needs no tables");
        Tool.Fail(ExitCode.Failure, ["serve", "--model", "resnet18", "--cluster", "redis://127.0.0.1:1", "--crop-pct", "0.5"], "Cannot reach the cluster 'redis://127.0.0.1:1'");
        Tool.Fail(ExitCode.Usage, [.. submit, "--model-args", """{"layers": [1], "layers": [2]}"""], "--model-args", "is not valid");
        // One line each: the worker in this process says nothing of itself before there is a job.
        Tool.Fail(ExitCode.Failure, [.. submit[..^1], set["y.csv"], "--model-args", """{"depths": [1]}"""], "which 'test_resnet' does not take");
        Tool.Fail(ExitCode.Failure, [.. submit[..^1], set["y.xyz"]], "'.xyz'", ".parquet");
        Directory.CreateDirectory(set["folder.csv"]);
        Tool.Fail(ExitCode.Failure, [.. submit[..^1], set["folder.csv"]], $"'{set["folder.csv"]}' is there already");
        Assert.Contains(" Worker ", run.Error);
    }

    [TestMethod]
    public void Another_version_of_the_workers_is_an_error_of_the_client()
    {
        var address = ClusterAddress.Parse("redis://queue");
        ClusterClient.CheckVersion(address, ExtractionSettings.ToolVersion);
        string message = Assert.ThrowsExactly<IOException>(() => ClusterClient.CheckVersion(address, "9.9.9")).Message;
        Assert.Contains("The workers of 'redis://queue' have version 9.9.9", message);
    }

    private static Task<ClusterClient> Connect() => ClusterClient.ConnectAsync(ClusterAddress.Parse("local"), local: new WorkerOptions { Device = "cpu", Threads = 2 });

    /// <summary>The folder is deleted after the job is done.</summary>
    private static async Task Gone(string folder)
    {
        for (int i = 0; i < 1000 && Directory.Exists(folder); i++)
            await Task.Delay(10);
        Assert.IsFalse(Directory.Exists(folder));
    }
}
