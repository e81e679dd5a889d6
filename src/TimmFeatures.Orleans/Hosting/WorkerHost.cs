using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Orleans.Configuration;
using Orleans.Dashboard;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Work;

namespace TimmFeatures.Orleans.Hosting;

/// <summary>Puts a silo and its worker together.</summary>
internal static class WorkerHost
{
    private const string Invariant = "Npgsql";

    /// <summary>How often a client looks for a worker, a second apart: those of a cluster that just starts are soon there.</summary>
    private const int ConnectAttempts = 5;

    /// <summary>A host that is not started.</summary>
    /// <param name="address">The cluster.</param>
    /// <param name="options">How to take part.</param>
    /// <param name="log">Gets lines.</param>
    /// <param name="verbose">Orleans' warnings, too.</param>
    /// <param name="services">What else the silo has.</param>
    public static IHost Create(ClusterAddress address, WorkerOptions options, Action<string> log, bool verbose, Action<IServiceCollection> services)
    {
        if (options.DashboardPort is not { } port)
        {
            var plain = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            Add(plain, address, options, log, verbose);
            services(plain.Services);
            return plain.Build();
        }
        WebApplicationBuilder web = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        web.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port));
        web.Services.AddRoutingCore();
        Add(web, address, options, log, verbose);
        services(web.Services);
        WebApplication application = web.Build();
        application.UseRouting();
        application.MapOrleansDashboard();
        return application;
    }

    private static void Add(IHostApplicationBuilder builder, ClusterAddress address, WorkerOptions options, Action<string> log, bool verbose)
    {
        AddCommon(builder, log, verbose);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(Options.Create(options));
        builder.UseOrleans(silo => Configure(silo, address, options));
        // After the silo: it starts later and stops before.
        builder.Services.AddHostedService<ClusterWorker>();
        if (options.Telemetry is { } endpoint)
        {
            builder.Services.AddOpenTelemetry()
                .ConfigureResource(r => r.AddService("timm-features").AddEnvironmentVariableDetector())
                .WithMetrics(m => m.AddMeter(ClusterMeter.Name, "Microsoft.Orleans").AddOtlpExporter(o => o.Endpoint = endpoint))
                .WithTracing(t => t.AddSource(ClusterMeter.Name).AddOtlpExporter(o => o.Endpoint = endpoint));
        }
    }

    /// <summary>What silos and clients have in common: lines for logs, and signals left to the program.</summary>
    public static void AddCommon(IHostApplicationBuilder builder, Action<string> log, bool verbose)
    {
        builder.Logging.ClearProviders().AddProvider(new LineLoggerProvider(log, verbose));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
    }

    private static void Configure(ISiloBuilder silo, ClusterAddress address, WorkerOptions options)
    {
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            o.ProbeTimeout = options.Probe;
            o.NumVotesForDeathDeclaration = 1;
            // A machine whose process was killed is in the table until it misses this: short probes are for clusters that come and go.
            o.IAmAliveTablePublishTimeout = 6 * options.Probe;
            o.TableRefreshTimeout = 12 * options.Probe;
            o.DeathVoteExpirationTimeout = 24 * options.Probe;
        });
        silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = 3 * options.Probe);
        switch (address.Kind)
        {
            case ClusterKind.Local:
                silo.UseLocalhostClustering(FreePort(), gatewayPort: 0, serviceId: address.Name, clusterId: address.Name).AddMemoryGrainStorage(JobGrain.Storage);
                return;
            case ClusterKind.Redis:
                silo.UseRedisClustering(o => o.ConfigurationOptions = address.ToRedis()).AddRedisGrainStorage(JobGrain.Storage, o => o.ConfigurationOptions = address.ToRedis());
                break;
            default:
                silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Invariant, address.ToPostgres()))
                    .AddAdoNetGrainStorage(JobGrain.Storage, o => (o.Invariant, o.ConnectionString) = (Invariant, address.ToPostgres()));
                break;
        }
        silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (address.Name, address.Name));
        if (options.DashboardPort is not null)
            silo.AddDashboard();
        if (options.Kubernetes)
            silo.UseKubernetesHosting();
        else
            silo.ConfigureEndpoints(AddressOf(address, options), options.SiloPort, options.GatewayPort, listenOnAnyHostAddress: false);
    }

    /// <summary>How a client finds the silos.</summary>
    public static void Configure(IClientBuilder client, ClusterAddress address)
    {
        int attempts = 0;
        client.UseConnectionRetryFilter(async (_, cancellation) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
            return ++attempts < ConnectAttempts;
        });
        client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (address.Name, address.Name));
        if (address.Kind == ClusterKind.Redis)
            client.UseRedisClustering(o => o.ConfigurationOptions = address.ToRedis());
        else
            client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Invariant, address.ToPostgres()));
    }

    /// <summary>The address to be reached at: loopback where the cluster is on this machine, otherwise the first of the machine's own.</summary>
    private static IPAddress AddressOf(ClusterAddress cluster, WorkerOptions options)
    {
        if (options.Address is { } given)
            return given;
        if (cluster.Host is "localhost" || (IPAddress.TryParse(cluster.Host?.Trim('[', ']'), out IPAddress? host) && IPAddress.IsLoopback(host)))
            return IPAddress.Loopback;
        return Dns.GetHostAddresses(Dns.GetHostName(), AddressFamily.InterNetwork).FirstOrDefault(a => !IPAddress.IsLoopback(a)) ?? IPAddress.Loopback;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Ctrl-C and SIGTERM are the program's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
