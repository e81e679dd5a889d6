using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Backbones;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Http;

namespace TimmFeatures.Service.Tests;

/// <summary>Who is let in: the queue, the key, the models, the memory; and what is told of the service itself.</summary>
[TestClass]
public sealed class AdmissionTests
{
    private const string Features = RunningService.FeaturesPath;

    [TestMethod]
    public async Task Who_finds_the_queue_full_is_told_to_come_again()
    {
        var engine = new GatedEngine();
        await using RunningService service = await RunningService.StartAsync(service: new ServiceOptions { Limits = new ServiceLimits { Queue = 3 } }, engine: engine);
        engine.Close();
        Task<JsonElement> waiting = service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..2]));
        await engine.Entered.WaitAsync();
        using (HttpResponseMessage refused = await service.PostAsync(Features, RunningService.Form(RunningService.Pictures[..2])))
        {
            await RunningService.CheckProblemAsync(refused, 429, Features, "3 pictures may be under way", "no room for 2 more");
            Assert.IsNotNull(refused.Headers.RetryAfter);
        }
        await service.FailAsync(413, Features, RunningService.Form(RunningService.Pictures[..4]), "may have 3 pictures");
        Task<JsonElement> third = service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1]));
        await RunningService.UntilAsync(() => service.Service.PicturesUnderWay == 3);
        engine.Open();
        await Task.WhenAll(waiting, third);
        await service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..2]));
    }

    [TestMethod]
    public async Task Bodies_that_are_held_at_once_are_limited_together()
    {
        var limits = new ServiceLimits { MaxBody = 1 << 20 };
        var admission = new Admission(limits);
        var held = new List<RentedBytes>();
        for (int i = 0; i < 4; i++)
            held.Add(await RentedBytes.ReadAsync(new MemoryStream(new byte[1 << 19]), null, limits.MaxBody, admission, CancellationToken.None));
        long before = admission.Bytes;
        ServiceProblemException problem = await Assert.ThrowsExactlyAsync<ServiceProblemException>(async () =>
        {
            while (true)
                held.Add(await RentedBytes.ReadAsync(new MemoryStream(new byte[1 << 19]), null, limits.MaxBody, admission, CancellationToken.None));
        });
        Assert.AreEqual(429, problem.Status);
        Assert.IsLessThanOrEqualTo(limits.MaxBodies, before);
        foreach (RentedBytes bytes in held)
            bytes.Dispose();
        Assert.AreEqual(0L, admission.Bytes);
    }

    [TestMethod]
    public async Task With_a_key_only_who_has_it_is_answered()
    {
        await using RunningService service = await RunningService.StartAsync(service: new ServiceOptions { ApiKey = "correct horse" });
        foreach (string? given in (string?[])[null, "Bearer", "Bearer wrong", "Bearer correct horse battery", "Basic correct horse", "correct horse"])
        {
            foreach (string path in (string[])[Features, RunningService.EmbeddingsPath])
            {
                using HttpResponseMessage refused = await SendAsync(service, HttpMethod.Post, path, given);
                await RunningService.CheckProblemAsync(refused, 401, path, "API key");
                Assert.AreEqual("Bearer", refused.Headers.WwwAuthenticate.Single().Scheme);
            }
        }
        foreach (string path in (string[])["/metrics", "/openapi.json"])
        {
            using HttpResponseMessage refused = await SendAsync(service, HttpMethod.Get, path, null);
            Assert.AreEqual(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
        using HttpResponseMessage answered = await SendAsync(service, HttpMethod.Post, Features, "Bearer correct horse"), live = await SendAsync(service, HttpMethod.Get, "/health/live", null);
        Assert.AreEqual(HttpStatusCode.OK, answered.StatusCode);
        Assert.AreEqual(HttpStatusCode.OK, live.StatusCode);

        static async Task<HttpResponseMessage> SendAsync(RunningService service, HttpMethod method, string path, string? authorization)
        {
            using var request = new HttpRequestMessage(method, path);
            if (method == HttpMethod.Post)
                request.Content = RunningService.Form(RunningService.Pictures[..1]);
            if (authorization is not null)
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            return await service.Client.SendAsync(request);
        }
    }

    [TestMethod]
    public async Task Models_beyond_the_memory_take_turns()
    {
        ServedModel[] models = [new("a", "test_resnet"), new("b", "test_convnext")];
        var random = new BackboneOptions { RandomWeights = true };
        long both;
        await using (RunningService large = await RunningService.StartAsync(o => o with { Models = models, Backbone = random }))
        {
            PlanCache plans = ((LocalBackend)large.Backend).Plans;
            Assert.AreEqual(2, plans.Count);
            both = plans.UsedBytes;
        }
        await using RunningService service = await RunningService.StartAsync(o => o with { Models = models, Backbone = random, Memory = both - 1 });
        PlanCache cache = ((LocalBackend)service.Backend).Plans;
        for (int i = 0; i < 6; i++)
        {
            ServedModel model = models[i % 2];
            float[] expected = RunningService.Direct(model.Model, FeatureSelection.Pooled(), RunningService.Pictures[0], random);
            CollectionAssert.AreEqual(expected, RunningService.Values(await service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1], ("model", model.Name)))));
            Assert.AreEqual(1, cache.Count);
            Assert.IsLessThan(both, cache.UsedBytes);
        }
        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1], ("model", models[i % 2].Name)))));
        await service.FailAsync(422, Features, RunningService.Form(RunningService.Pictures[..1]), "'model' is missing", "'a', 'b'");
    }

    [TestMethod]
    public async Task A_model_at_work_is_not_taken_away()
    {
        ServedModel[] models = [new("a", "test_resnet"), new("b", "test_convnext")];
        var random = new BackboneOptions { RandomWeights = true };
        var engine = new GatedEngine();
        long both;
        await using (RunningService large = await RunningService.StartAsync(o => o with { Models = models, Backbone = random }, engine: engine))
            both = ((LocalBackend)large.Backend).Plans.UsedBytes;
        await using RunningService service = await RunningService.StartAsync(o => o with { Models = models, Backbone = random, Memory = both - 1 }, engine: engine);
        await service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1], ("model", "a")));
        engine.Close();
        Task<JsonElement> working = service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1], ("model", "a")));
        await engine.Entered.WaitAsync();
        Task<JsonElement> other = service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1], ("model", "b")));
        await RunningService.UntilAsync(() => ((LocalBackend)service.Backend).Plans.Count == 0);
        Assert.IsFalse(other.IsCompleted);
        engine.Open();
        await Task.WhenAll(working, other);
    }

    [TestMethod]
    public async Task A_model_that_is_too_large_is_refused_when_the_service_starts_and_later()
    {
        NotSupportedException problem = await Assert.ThrowsExactlyAsync<NotSupportedException>(() => RunningService.StartAsync(o => o with { Memory = 1 << 20 }));
        Assert.Contains("needs ", problem.Message);
        Assert.Contains("--memory", problem.Message);
        long pooled;
        await using (RunningService service = await RunningService.StartAsync())
            pooled = ((LocalBackend)service.Backend).Plans.UsedBytes;
        await using RunningService small = await RunningService.StartAsync(o => o with { Memory = pooled });
        await small.FailAsync(422, Features, RunningService.Form(RunningService.Pictures[..1], ("kind", "intermediates")), "needs ", "Ask for fewer features");
        await small.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1]));
    }

    [TestMethod]
    public async Task Any_model_means_timms_names_and_nothing_else()
    {
        var random = new BackboneOptions { RandomWeights = true };
        await using RunningService service = await RunningService.StartAsync(o => o with { Models = [], AnyModel = true, Backbone = random });
        CollectionAssert.AreEqual(RunningService.Direct("test_efficientnet", FeatureSelection.Pooled(), RunningService.Pictures[0], random),
            RunningService.Values(await service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1], ("model", "test_efficientnet")))));
        await service.FailAsync(404, Features, RunningService.Form(RunningService.Pictures[..1], ("model", "test_resnett")), "Did you mean 'test_resnet'");
        foreach (string name in (string[])[RunningService.DemoWeights, "hf-hub:timm/test_resnet.r160_in1k", "../samples", "/etc/passwd", ""])
            await service.FailAsync(404, Features, RunningService.Form(RunningService.Pictures[..1], ("model", name)));
        await service.FailAsync(422, Features, RunningService.Form(RunningService.Pictures[..1]), "'model' is missing");
    }

    [TestMethod]
    public async Task It_is_live_at_once_and_ready_when_its_models_are_loaded()
    {
        var backend = new SlowBackend();
        int port = FreePort();
        Task<FeatureService> starting = FeatureService.StartAsync(new ServiceOptions { Port = port }, backend, new Telemetry.ServiceMetrics(), TextWriter.Null, CancellationToken.None);
        await backend.Starting.Task;
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Assert.AreEqual("live\n", await client.GetStringAsync("/health/live"));
        using var head = new HttpRequestMessage(HttpMethod.Head, "/health/live");
        using HttpResponseMessage alive = await client.SendAsync(head);
        Assert.AreEqual(HttpStatusCode.OK, alive.StatusCode);
        using (HttpResponseMessage early = await client.GetAsync("/health/ready"))
            Assert.AreEqual(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        backend.Loaded.SetResult();
        await using FeatureService service = await starting;
        Assert.AreEqual("ready\n", await client.GetStringAsync("/health/ready"));
        await service.StopAsync();
    }

    [TestMethod]
    public async Task Metrics_count_pictures_and_batches()
    {
        await using RunningService service = await RunningService.StartAsync();
        await service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..3]));
        string metrics = await service.Client.GetStringAsync("/metrics");
        foreach (string name in (string[])["service_name=\"timm-features\"", "timm_features_pictures_total{", "outcome=\"ok\"", "timm_features_batch_size_bucket{", "stage=\"decode\"", "stage=\"compute\"", "timm_features_model_memory_bytes", "timm_features_pictures_under_way", "http_server_request_duration_seconds_bucket"])
            Assert.Contains(name, metrics);
    }

    [TestMethod]
    public async Task The_document_has_every_field_that_is_read_and_no_other()
    {
        await using RunningService service = await RunningService.StartAsync();
        JsonElement document = JsonDocument.Parse(await service.Client.GetStringAsync("/openapi.json")).RootElement;
        JsonElement schemas = document.GetProperty("components").GetProperty("schemas");
        string[] features = [.. schemas.GetProperty("FeaturesBody").GetProperty("properties").EnumerateObject().Select(p => p.Name)];
        CollectionAssert.AreEquivalent(FeatureFields.Names.Append(FeatureFields.Images).ToArray(), features);
        JsonElement form = document.GetProperty("paths").GetProperty(Features).GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("multipart/form-data").GetProperty("schema").GetProperty("properties");
        CollectionAssert.AreEquivalent(features, form.EnumerateObject().Select(p => p.Name).ToArray());
        CollectionAssert.AreEquivalent(EmbeddingsEndpoint.Fields.ToArray(), schemas.GetProperty("EmbeddingsBody").GetProperty("properties").EnumerateObject().Select(p => p.Name).ToArray());
        CollectionAssert.AreEquivalent(new[] { Features, RunningService.EmbeddingsPath, "/v1/models" }, document.GetProperty("paths").EnumerateObject().Select(p => p.Name).ToArray());
        JsonElement answer = await service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1])), embeddings = await service.SucceedAsync(RunningService.EmbeddingsPath, RunningService.Json(new { input = RunningService.DataUrl(RunningService.Pictures[0]) }));
        Same("FeaturesAnswer", answer);
        Same("FeaturesOutput", answer.GetProperty("outputs")[0]);
        Same("EmbeddingsAnswer", embeddings);
        Same("Embedding", embeddings.GetProperty("data")[0]);
        Same("Usage", embeddings.GetProperty("usage"));

        void Same(string schema, JsonElement value) => CollectionAssert.AreEquivalent(schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(p => p.Name).ToArray(), value.EnumerateObject().Select(p => p.Name).ToArray());
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Loads until it is told that it has.</summary>
    private sealed class SlowBackend : IFeatureBackend
    {
        public TaskCompletionSource Starting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Loaded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<string> Models => ["slow"];

        public Task StartAsync(CancellationToken cancellation)
        {
            Starting.SetResult();
            return Loaded.Task;
        }

        public Task<FeatureLayout> OpenAsync(FeatureQuery query, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<PictureFeatures> ComputeAsync(FeatureQuery query, ReadOnlyMemory<byte> picture, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
