using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Http;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Service;

/// <summary>The HTTP service over a backend: listens, answers, and stops when what is under way is answered.</summary>
internal sealed class FeatureService : IAsyncDisposable
{
    public const string FeaturesPath = "/v1/features", EmbeddingsPath = "/v1/embeddings", ModelsPath = "/v1/models", HealthPath = "/health", MetricsPath = "/metrics", OpenApiPath = "/openapi.json";

    /// <summary>Connections at once: more are closed as they come.</summary>
    private const int MaxConnections = 4096;

    private readonly WebApplication _app;
    private readonly IFeatureBackend _backend;
    private readonly Admission _admission;
    private volatile bool _isReady;

    private FeatureService(WebApplication app, IFeatureBackend backend, ServiceLimits limits) => (_app, _backend, _admission) = (app, backend, new Admission(limits));

    /// <summary>All that can be asked for.</summary>
    public static IReadOnlyList<string> Paths { get; } = [FeaturesPath, EmbeddingsPath, ModelsPath, $"{HealthPath}/live", $"{HealthPath}/ready", MetricsPath, OpenApiPath];

    /// <summary>Pictures that are not answered yet.</summary>
    public int PicturesUnderWay => _admission.Pictures;

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Listens at once, so that health checks are answered, and is ready when the backend is.</summary>
    /// <param name="options">Where, for whom, how much.</param>
    /// <param name="backend">What computes. Owned by the service from now on.</param>
    /// <param name="metrics">Of service and backend together. Owned as well.</param>
    /// <param name="log">Gets warnings and errors, a line each.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="IOException">The address cannot be listened at.</exception>
    public static async Task<FeatureService> StartAsync(ServiceOptions options, IFeatureBackend backend, ServiceMetrics metrics, TextWriter log, CancellationToken cancellation)
    {
        var service = new FeatureService(Build(options, metrics, log), backend, options.Limits);
        try
        {
            service.Map(options, metrics);
            await service._app.StartAsync(cancellation);
            service.Address = new Uri(service._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
            await backend.StartAsync(cancellation);
            service._isReady = true;
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes no new connections and no new requests, and comes back when the others are answered, or their time is over.</summary>
    public async Task StopAsync()
    {
        _isReady = false;
        await _app.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _backend.DisposeAsync();
    }

    private static WebApplication Build(ServiceOptions options, ServiceMetrics metrics, TextWriter log)
    {
        // An empty builder: no configuration files, no variables of the environment that would change where it listens.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, options));
        builder.Logging.AddProvider(new LineLoggerProvider(log));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        // Why it does not start is an exception already.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        // Signals are the program's business.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTime);
        builder.Services.AddSingleton(metrics);
        builder.Services.AddRoutingCore();
        builder.Services.AddServiceTelemetry();
        builder.Services.AddServiceDocument();
        return builder.Build();
    }

    private static void Configure(KestrelServerOptions kestrel, ServiceOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.MaxRequestBodySize = options.Limits.MaxBody;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(options.Limits.MinBytesPerSecond, options.Limits.BodyGrace);
        kestrel.Listen(new IPEndPoint(options.Address, options.Port), listen => listen.Protocols = HttpProtocols.Http1);
    }

    private void Map(ServiceOptions options, ServiceMetrics metrics)
    {
        metrics.Observe(() => _admission.Pictures, () => _admission.Bytes);
        var calls = new FeatureCalls(_backend, options.Limits, _admission);
        var features = new FeaturesEndpoint(new FeaturesRequestReader(options.Limits, _admission), calls);
        var embeddings = new EmbeddingsEndpoint(options.Limits, _admission, calls);

        _app.UseMiddleware<ProblemMiddleware>();
        if (options.ApiKey is { } key)
            _app.UseMiddleware<ApiKeyMiddleware>(key);
        _app.UseRouting();
        _app.MapPost(FeaturesPath, features.HandleAsync).DescribeFeatures();
        _app.MapPost(EmbeddingsPath, embeddings.HandleAsync).DescribeEmbeddings();
        _app.MapGet(ModelsPath, http => ModelsEndpoint.WriteAsync(http, _backend)).DescribeModels();
        // Load balancers ask by either.
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        _app.MapMethods($"{HealthPath}/live", methods, http => http.Response.WriteAsync("live\n", http.RequestAborted)).ExcludeFromDescription();
        _app.MapMethods($"{HealthPath}/ready", methods, WriteReadyAsync).ExcludeFromDescription();
        _app.MapPrometheusScrapingEndpoint(MetricsPath);
        _app.MapOpenApi(OpenApiPath);
    }

    private Task WriteReadyAsync(HttpContext http)
    {
        http.Response.StatusCode = _isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        http.Response.ContentType = "text/plain";
        return http.Response.WriteAsync(_isReady ? "ready\n" : "not ready\n", http.RequestAborted);
    }

    /// <summary>Starts and stops with the program that uses the service.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
