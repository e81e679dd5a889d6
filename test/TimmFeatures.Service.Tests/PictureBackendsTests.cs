using Microsoft.Extensions.Options;
using TimmFeatures.Cli.Serving;
using TimmFeatures.Orleans;

namespace TimmFeatures.Service.Tests;

/// <summary>What a cluster's worker has loaded for services.</summary>
[TestClass]
public sealed class PictureBackendsTests
{
    [TestMethod]
    public async Task What_a_worker_cannot_serve_takes_no_place()
    {
        await using var backends = new PictureBackends(Options.Create(new WorkerOptions { Device = "cpu" }));
        for (int batch = 1; batch <= 8; batch++)
        {
            string empty = ServingSetup.Of(RunningService.Options with { Models = [], MaxBatch = batch }, null).ToJson();
            Assert.Contains("No model", Assert.ThrowsExactly<ArgumentException>(() => backends.Get(empty)).Message);
        }
        string good = ServingSetup.Of(RunningService.Options, null).ToJson();
        Assert.AreSame(backends.Get(good), backends.Get(good));
    }
}
