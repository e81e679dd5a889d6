using System.Diagnostics.Metrics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Backbones;
using Backbones.Engines;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Service.Tests;

/// <summary>A service on a free port of this machine, with the repository's demo weights under the name <c>textures</c>.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    public const string Model = "textures", FeaturesPath = FeatureService.FeaturesPath, EmbeddingsPath = FeatureService.EmbeddingsPath;

    private readonly ServiceMetrics _metrics;
    private readonly MeterListener _listener;
    private int _decoded;

    private RunningService(FeatureService service, IFeatureBackend backend, ServiceMetrics metrics, MeterListener listener, StringWriter log)
    {
        (Service, Backend, _metrics, _listener, Log) = (service, backend, metrics, listener, log);
        Client = new HttpClient { BaseAddress = service.Address, Timeout = Timeout.InfiniteTimeSpan };
    }

    public static string Root { get; } = FindRoot();

    public static string DemoWeights { get; } = $"local-dir:{Path.Combine(Root, "samples", "weights", "test_resnet.textures16")}";

    /// <summary>Some of the sample pictures.</summary>
    public static byte[][] Pictures { get; } = [.. Directory.EnumerateFiles(Path.Combine(Root, "samples", "textures"), "*_0?.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where((_, i) => i % 4 == 0).Select(File.ReadAllBytes)];

    public FeatureService Service { get; }

    public IFeatureBackend Backend { get; }

    public HttpClient Client { get; }

    public StringWriter Log { get; }

    public static LocalBackendOptions Options { get; } = new() { Models = [new(Model, DemoWeights)] };

    /// <summary>Starts one in this process.</summary>
    /// <param name="local">What is served, instead of the demo model.</param>
    /// <param name="service">For whom, instead of everybody.</param>
    /// <param name="engine">What computes, instead of the CPU's engine.</param>
    public static async Task<RunningService> StartAsync(Func<LocalBackendOptions, LocalBackendOptions>? local = null, ServiceOptions? service = null, IEngine? engine = null)
    {
        LocalBackendOptions options = engine is null ? Options : Options with { Engine = new DeviceEngine(engine, "cpu", Precision.Auto) };
        service = (service ?? new ServiceOptions()) with { Port = 0 };
        var metrics = new ServiceMetrics();
        return await StartAsync(new LocalBackend((local?.Invoke(options) ?? options) with { MaxPixels = service.Limits.MaxPixels }, metrics), service, metrics);
    }

    public static async Task<RunningService> StartAsync(IFeatureBackend backend, ServiceOptions options, ServiceMetrics? metrics = null)
    {
        metrics ??= new ServiceMetrics();
        RunningService? running = null;
        var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Name == "timm_features.stage_duration") l.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag is { Key: "stage", Value: "decode" } && running is not null)
                    Interlocked.Increment(ref running._decoded);
            }
        });
        listener.Start();
        var log = new StringWriter();
        return running = new RunningService(await FeatureService.StartAsync(options with { Port = 0 }, backend, metrics, log, CancellationToken.None), backend, metrics, listener, log);
    }

    /// <summary>The bare library's features of one picture, one output after the other.</summary>
    public static float[] Direct(string model, FeatureSelection selection, byte[] picture, BackboneOptions? options = null)
    {
        using Backbone backbone = Backbone.Create(model, options);
        using FeatureExtractor extractor = backbone.Extract(selection);
        var input = new float[extractor.InputShape.Length];
        extractor.Transform.ApplyEncoded(picture, input);
        return [.. extractor.Run(1, input).Tensors.SelectMany(t => t.Values.ToArray())];
    }

    /// <summary>A form with pictures and fields.</summary>
    public static MultipartFormDataContent Form(IEnumerable<byte[]> pictures, params (string Name, string Value)[] fields)
    {
        var form = new MultipartFormDataContent();
        foreach ((string name, string value) in fields)
            form.Add(new StringContent(value), name);
        foreach (byte[] picture in pictures)
            form.Add(new ByteArrayContent(picture) { Headers = { ContentType = new("image/jpeg") } }, "images", "picture.jpg");
        return form;
    }

    public static StringContent Json(object body) => Json(body as string ?? JsonSerializer.Serialize(body));

    public static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    public static string DataUrl(byte[] picture) => $"data:image/jpeg;base64,{Convert.ToBase64String(picture)}";

    /// <summary>Values of all outputs of a JSON answer, one output after the other.</summary>
    public static float[] Values(JsonElement answer) => [.. answer.GetProperty("outputs").EnumerateArray().SelectMany(o => o.GetProperty("values").EnumerateArray()).Select(v => v.GetSingle())];

    public async Task<HttpResponseMessage> PostAsync(string path, HttpContent content, string? accept = null, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (accept is not null)
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        return await Client.SendAsync(request, cancellation);
    }

    /// <summary>The answer to a request that has to succeed.</summary>
    public async Task<JsonElement> SucceedAsync(string path, HttpContent content)
    {
        using HttpResponseMessage response = await PostAsync(path, content);
        string text = await response.Content.ReadAsStringAsync();
        Assert.AreEqual(200, (int)response.StatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Makes sure that a request is answered with this status, and a problem that has these texts.</summary>
    public async Task FailAsync(int status, string path, HttpContent content, params string[] texts)
    {
        using HttpResponseMessage response = await PostAsync(path, content);
        await CheckProblemAsync(response, status, path, texts);
    }

    public static async Task CheckProblemAsync(HttpResponseMessage response, int status, string path, params string[] texts)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.AreEqual(status, (int)response.StatusCode, text);
        JsonElement problem = JsonDocument.Parse(text).RootElement;
        string message;
        if (path == EmbeddingsPath)
        {
            message = problem.GetProperty("error").GetProperty("message").GetString()!;
        }
        else
        {
            Assert.AreEqual("application/problem+json", response.Content.Headers.ContentType!.MediaType);
            Assert.AreEqual(status, problem.GetProperty("status").GetInt32());
            message = problem.GetProperty("detail").GetString()!;
        }
        foreach (string part in texts)
            Assert.Contains(part, message);
    }

    /// <summary>Waits until that many pictures were decoded since the service started.</summary>
    public Task DecodedAsync(int pictures) => UntilAsync(() => Volatile.Read(ref _decoded) >= pictures);

    public static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(5);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Service.StopAsync();
        await Service.DisposeAsync();
        _listener.Dispose();
        _metrics.Dispose();
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}
