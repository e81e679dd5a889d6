using System.Diagnostics;
using System.Net;
using System.Text.Json;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Service.Tests;

/// <summary>Which pictures are computed together, and what becomes of those that nobody waits for. A gate in the engine decides what happens before what; no test depends on time.</summary>
[TestClass]
public sealed class BatchingTests
{
    private readonly GatedEngine _engine = new();

    [TestMethod]
    public async Task Pictures_of_several_requests_that_come_while_the_engine_works_are_one_batch()
    {
        await using RunningService service = await StartAsync();
        _engine.Close();
        Task first = SendAsync(service, 1);
        await _engine.Entered.WaitAsync();
        Task[] others = [SendAsync(service, 3), SendAsync(service, 2), SendAsync(service, 1)];
        await service.DecodedAsync(7);
        _engine.Open();
        await Task.WhenAll([first, .. others]);
        CollectionAssert.AreEqual(new[] { 1, 6 }, _engine.Batches);
    }

    [TestMethod]
    public async Task No_batch_is_larger_than_allowed()
    {
        await using RunningService service = await StartAsync(maxBatch: 4);
        _engine.Close();
        Task first = SendAsync(service, 1);
        await _engine.Entered.WaitAsync();
        Task others = SendAsync(service, 7);
        await service.DecodedAsync(8);
        _engine.Open();
        await Task.WhenAll(first, others);
        CollectionAssert.AreEqual(new[] { 1, 4, 3 }, _engine.Batches);
    }

    /// <summary>Would it wait, it would do so for an hour.</summary>
    [TestMethod]
    public async Task A_lone_picture_waits_for_nobody()
    {
        await using RunningService service = await StartAsync();
        await SendAsync(service, 1);
        await SendAsync(service, 1);
        await SendAsync(service, 5);
        int[] batches = _engine.Batches[1..];
        CollectionAssert.AreEqual(new[] { 1, 1 }, batches[..2]);
        // On a busy machine the first of five may be decoded before the second is announced, and be a batch of its own.
        Assert.AreEqual(5, batches[2..].Sum());
    }

    [TestMethod]
    public async Task Other_features_are_another_batch()
    {
        await using RunningService service = await StartAsync();
        await SendAsync(service, 1, ("kind", "unpooled"));
        _engine.Close();
        Task[] first = [SendAsync(service, 1), SendAsync(service, 1, ("kind", "unpooled"))];
        await _engine.Entered.WaitAsync();
        await _engine.Entered.WaitAsync();
        Task[] others = [SendAsync(service, 2), SendAsync(service, 2, ("kind", "unpooled"))];
        await service.DecodedAsync(7);
        _engine.Open();
        await Task.WhenAll([.. first, .. others]);
        CollectionAssert.AreEqual(new[] { 1, 1, 2, 2 }, _engine.Batches.Order().ToArray());
    }

    [TestMethod]
    public async Task Whose_client_has_gone_is_not_computed()
    {
        await using RunningService service = await StartAsync();
        _engine.Close();
        Task first = SendAsync(service, 1);
        await _engine.Entered.WaitAsync();
        using var gone = new CancellationTokenSource();
        Task leaving = SendAsync(service, 3, gone.Token), staying = SendAsync(service, 2, CancellationToken.None);
        await service.DecodedAsync(6);
        await gone.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => leaving);
        await RunningService.UntilAsync(() => service.Service.PicturesUnderWay == 3);
        _engine.Open();
        await Task.WhenAll(first, staying);
        CollectionAssert.AreEqual(new[] { 1, 2 }, _engine.Batches);
    }

    [TestMethod]
    public async Task A_batch_that_everybody_left_is_given_up_and_the_next_is_computed()
    {
        await using RunningService service = await StartAsync();
        _engine.Close();
        using var gone = new CancellationTokenSource();
        Task leaving = SendAsync(service, 3, gone.Token);
        await _engine.Entered.WaitAsync();
        await gone.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => leaving);
        await _engine.GivenUp.WaitAsync();
        await RunningService.UntilAsync(() => service.Service.PicturesUnderWay == 0);
        _engine.Open();
        await SendAsync(service, 1);
        CollectionAssert.AreEqual(new[] { 1 }, _engine.Batches);
    }

    [TestMethod]
    public async Task An_unreadable_picture_does_not_hold_up_the_others()
    {
        await using RunningService service = await StartAsync();
        _engine.Close();
        Task first = SendAsync(service, 1);
        await _engine.Entered.WaitAsync();
        Task good = SendAsync(service, 2);
        await service.FailAsync(422, RunningService.FeaturesPath, RunningService.Form([[1, 2, 3]]), "images[0]: The image");
        await service.DecodedAsync(3);
        _engine.Open();
        await Task.WhenAll(first, good);
        CollectionAssert.AreEqual(new[] { 1, 2 }, _engine.Batches);
    }

    [TestMethod]
    public async Task An_engine_that_fails_fails_its_batch_and_no_other()
    {
        await using RunningService service = await StartAsync();
        _engine.Change = _ => throw new InvalidOperationException("a secret of the engine");
        using (HttpResponseMessage response = await service.PostAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..2])))
        {
            Assert.AreEqual(HttpStatusCode.InternalServerError, response.StatusCode);
            Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync());
        }
        Assert.Contains("a secret of the engine", service.Log.ToString());
        _engine.Change = null;
        await SendAsync(service, 1);
    }

    [TestMethod]
    public async Task What_is_under_way_is_answered_before_the_service_ends()
    {
        RunningService service = await StartAsync();
        _engine.Close();
        Task<JsonElement> waiting = SendAsync(service, 2);
        await _engine.Entered.WaitAsync();
        Task stopped = service.Service.StopAsync();
        using var late = new HttpClient { BaseAddress = service.Service.Address };
        await RunningService.UntilAsync(() => RefusesAsync(late).Result);
        Assert.IsFalse(stopped.IsCompleted);
        Assert.IsFalse(waiting.IsCompleted);
        _engine.Open();
        Assert.AreEqual(2, (await waiting).GetProperty("outputs")[0].GetProperty("shape")[0].GetInt32());
        await stopped;
        await service.DisposeAsync();
    }

    [TestMethod]
    public async Task Who_takes_longer_than_the_drain_time_is_cut_off()
    {
        RunningService service = await RunningService.StartAsync(service: new ServiceOptions { DrainTime = TimeSpan.FromMilliseconds(100) }, engine: _engine);
        _engine.Close();
        Task waiting = SendAsync(service, 1);
        await _engine.Entered.WaitAsync();
        await service.Service.StopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => waiting);
        await _engine.GivenUp.WaitAsync();
        _engine.Open();
        await service.DisposeAsync();
    }

    [TestMethod]
    public async Task Traces_lead_from_a_batch_to_the_requests_in_it()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name is ServiceMetrics.Name or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using (RunningService service = await StartAsync())
        {
            _engine.Close();
            Task first = SendAsync(service, 1);
            await _engine.Entered.WaitAsync();
            Task second = SendAsync(service, 2);
            await service.DecodedAsync(3);
            _engine.Open();
            await Task.WhenAll(first, second);
        }
        Activity compute = spans.Single(s => s.OperationName == "compute" && s.Links.Count() == 2);
        Assert.HasCount(3, spans.Where(s => s.OperationName == "decode").ToArray());
        Assert.IsTrue(compute.Links.All(l => spans.Count(s => s.OperationName == "decode" && s.TraceId == l.Context.TraceId) == 2));
    }

    private static async Task<bool> RefusesAsync(HttpClient client)
    {
        try
        {
            using HttpResponseMessage response = await client.GetAsync("/health/ready");
            return false;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    private Task<RunningService> StartAsync(int maxBatch = 16) => RunningService.StartAsync(o => o with { MaxBatch = maxBatch, MaxWait = TimeSpan.FromHours(1) }, engine: _engine);

    private static Task<JsonElement> SendAsync(RunningService service, int pictures, params (string, string)[] fields)
        => service.SucceedAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..pictures], fields));

    private static async Task SendAsync(RunningService service, int pictures, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await service.PostAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..pictures]), cancellation: cancellation);
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode);
    }
}
