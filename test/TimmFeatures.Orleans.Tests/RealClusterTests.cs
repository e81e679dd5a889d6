using System.Text.Json.Nodes;
using Backbones;
using TimmFeatures.Cli.Serving;
using TimmFeatures.Cli.Tests;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Tests.Servers;
using TimmFeatures.Service;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Orleans.Tests;

/// <summary>Clusters of real processes at a real Redis and a real PostgreSQL, in which processes are killed and the server goes away: in the end every picture is there once, in the file of one machine.</summary>
[TestClass]
public sealed class RealClusterTests
{
    [TestMethod]
    public async Task A_job_at_Redis_outlives_killed_workers_and_ten_seconds_without_Redis()
    {
        using DatabaseServer redis = DatabaseServer.StartRedis();
        using var workers = new WorkerProcesses(redis.Address);
        // The others find the first; each is a silo of its own.
        workers.Start();
        workers.WaitUntilReady();
        workers.Start();
        workers.Start();
        using var set = new PictureSet(2000, bad: 777);
        string one = set.OneMachine("one.parquet");
        workers.WaitUntilReady();
        await using ClusterClient client = await ClusterClient.ConnectAsync(redis.Address);
        JobStatus job = await client.SubmitAsync(set.Request("cluster.parquet", partSize: 40));
        Assert.AreEqual(50, job.Parts);

        await Reach(3);
        workers.Kill(workers.Other(await SiloOf(client, job.Id)));
        workers.Start();
        await Reach(8);
        redis.Stop();
        Thread.Sleep(TimeSpan.FromSeconds(10));
        redis.Start();
        await Reach(12);
        workers.Kill(await SiloOf(client, job.Id));
        JobStatus done = await client.Ended(job.Id);
        Assert.AreEqual((JobPhase.Done, 2000, 1, 50), (done.Phase, done.Done, done.Failed, done.PartsDone), $"{done.Error}\n{workers.Said}");
        Assert.AreEqual(777, done.FirstFailures.Single().Row);
        PictureSet.AssertSame(one, set["cluster.parquet"]);

        async Task Reach(int parts)
        {
            JobStatus status = await client.Until(job.Id, s => s.PartsDone >= parts);
            Assert.IsFalse(status.HasEnded, "The job was done before anything happened to it.");
        }
    }

    [TestMethod]
    public async Task A_job_at_PostgreSQL_outlives_the_silo_that_has_it()
    {
        using DatabaseServer postgres = DatabaseServer.StartPostgres();
        string address = postgres.Address.ToString().Replace("…", "x");
        Tool.Fail(Cli.ExitCode.Failure, ["status", "--cluster", address], "lacks the tables of a cluster", "timm-features cluster-tables --cluster");
        Tool.Succeed("cluster-tables", "--cluster", address);
        Tool.Succeed("cluster-tables", "--cluster", address);
        Tool.Fail(Cli.ExitCode.Failure, ["status", "--cluster", address], "No worker of", "answers", "timm-features worker --cluster");
        using var workers = new WorkerProcesses(postgres.Address);
        workers.Start();
        workers.WaitUntilReady();
        workers.Start();
        workers.Start();
        using var set = new PictureSet(600);
        string one = set.OneMachine("one.npy");
        workers.WaitUntilReady();
        await using ClusterClient client = await ClusterClient.ConnectAsync(postgres.Address);
        JobStatus job = await client.SubmitAsync(set.Request("cluster.npy", partSize: 20));
        await client.Until(job.Id, s => s.PartsDone >= 4);
        workers.Kill(await SiloOf(client, job.Id));
        // One that is told to end gives its part back and leaves the cluster in order.
        (int exitCode, string said) = workers.Terminate(workers.Other(0));
        Assert.AreEqual(0, exitCode, said);
        JobStatus done = await client.Ended(job.Id);
        Assert.AreEqual((JobPhase.Done, 600, 0, 30), (done.Phase, done.Done, done.Failed, done.PartsDone), $"{done.Error}\n{workers.Said}");
        PictureSet.AssertSame(one, set["cluster.npy"]);
    }

    [TestMethod]
    public async Task A_service_spreads_pictures_over_the_workers_and_goes_on_when_one_is_killed()
    {
        using DatabaseServer redis = DatabaseServer.StartRedis();
        using var workers = new WorkerProcesses(redis.Address);
        int first = workers.Start();
        workers.WaitUntilReady();
        workers.Start();
        using var set = new PictureSet(40, bad: 7);
        workers.WaitUntilReady();
        JsonObject config = new() { ["crop_pct"] = 0.5, ["model_args"] = new JsonObject { ["layers"] = new JsonArray(2, 1, 1, 1) } };
        var options = new LocalBackendOptions { Models = [new ServedModel("small", PictureSet.Model)], Backbone = PictureSet.Backbone with { ConfigOverlay = c => c.WithModelArgs("""{"layers": [2, 1, 1, 1]}""") with { CropPct = 0.5 } } };
        await using var backend = new ClusterBackend(await ClusterClient.ConnectAsync(redis.Address), ServingSetup.Of(options, config));
        await using ClusterClient client = await ClusterClient.ConnectAsync(redis.Address);
        using var metrics = new ServiceMetrics();
        await using IFeatureBackend local = new LocalBackend(options, metrics);
        await backend.StartAsync(CancellationToken.None);
        var query = new FeatureQuery("small", FeatureSelection.Pyramid([1, 2]));
        FeatureLayout expected = await local.OpenAsync(query, CancellationToken.None), received = await backend.OpenAsync(query, CancellationToken.None);
        CollectionAssert.AreEqual(expected.Outputs, received.Outputs);

        await ComputeAll();
        SimpleGrainStatistic[] grains = await client.Grains.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics();
        Assert.AreEqual(2, grains.Where(g => g.GrainType.Contains(nameof(PictureGrain)) && g.ActivationCount > 0).Select(g => g.SiloAddress).Distinct().Count(), string.Join(' ', grains.Select(g => $"{g.GrainType}: {g.ActivationCount}")));
        workers.Kill(first);
        await ComputeAll();

        ServiceProblemException bad = await Problem(query, File.ReadAllBytes(set.PathOf(7)));
        Assert.AreEqual(422, bad.Status);
        ServiceProblemException large = await Problem(query, new byte[PictureLimits.MaxPicture + 1]);
        Assert.AreEqual(413, large.Status);
        Assert.Contains("at most 8388608", large.Message);
        ServiceProblemException unknown = await Problem(query with { Model = "smal" }, [1]);
        Assert.AreEqual(404, unknown.Status);
        Assert.Contains("Did you mean 'small'?", unknown.Message);

        async Task ComputeAll()
        {
            await Task.WhenAll(Enumerable.Range(0, 40).Where(i => i != 7).Select(async i =>
            {
                byte[] picture = File.ReadAllBytes(set.PathOf(i));
                using PictureFeatures here = await local.ComputeAsync(query, picture, CancellationToken.None), there = await backend.ComputeAsync(query, picture, CancellationToken.None);
                Assert.IsTrue(here.Values.Span.SequenceEqual(there.Values.Span));
            }));
        }

        Task<ServiceProblemException> Problem(FeatureQuery asked, byte[] picture) => Assert.ThrowsExactlyAsync<ServiceProblemException>(() => backend.ComputeAsync(asked, picture, CancellationToken.None));
    }

    /// <summary>The port of the silo that has a job's grain.</summary>
    private static async Task<int> SiloOf(ClusterClient client, string job)
    {
        SiloAddress? silo = await client.Grains.GetGrain<IManagementGrain>(0).GetActivationAddress(client.Grains.GetGrain<IJobGrain>(job));
        return silo?.Endpoint.Port ?? throw new AssertFailedException($"No silo has {job}.");
    }
}
