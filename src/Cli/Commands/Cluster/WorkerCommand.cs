using System.CommandLine;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using TimmFeatures.Cli.Options;
using TimmFeatures.Cli.Serving;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans;
using TimmFeatures.Orleans.AzureBlobs;
using TimmFeatures.Orleans.S3;

namespace TimmFeatures.Cli.Commands.Cluster;

/// <summary><c>worker</c>: this machine takes part in a cluster.</summary>
internal static class WorkerCommand
{
    public static Command Create(Terminal terminal)
    {
        var cluster = new ClusterOptionSet();
        var engine = new EngineOptionSet();
        Option<int?> parts = CommonOptions.Count("--parts", "Parts of jobs that are done at once, on equal shares of the threads; one for each 16 threads unless given.", most: 64);
        var address = new Option<string?>("--address") { Description = "The IP address that the other machines reach this one at; its own unless given, loopback where the cluster's server is on this machine.", HelpName = "IP" };
        Option<int?> port = CommonOptions.Count("--port", "The port for other workers; 11111 unless given.", "PORT", most: ushort.MaxValue);
        Option<int?> gateway = CommonOptions.Count("--gateway-port", "The port for clients; 30000 unless given.", "PORT", most: ushort.MaxValue);
        Option<int?> lease = CommonOptions.Count("--lease", "Seconds that a part waits for a sign of life before another worker gets it; 60 unless given. The same everywhere.", "SECONDS", most: 86_400);
        Option<int?> probe = CommonOptions.Count("--probe", "Seconds that workers wait for each other's answers; after three times a worker is taken for dead. 5 unless given. The same everywhere.", "SECONDS", most: 600);
        Option<int?> dashboard = CommonOptions.Count("--dashboard", "Orleans' dashboard at this port, on loopback alone.", "PORT", most: ushort.MaxValue);
        var telemetry = new Option<string?>("--otlp") { Description = "Send metrics and traces there (OpenTelemetry's OTLP by gRPC).", HelpName = "URL" };
        var kubernetes = new Option<bool>("--kubernetes") { Description = "In a pod: name and address come from POD_NAME, POD_NAMESPACE and POD_IP." };
        var verbose = new Option<bool>("--verbose") { Description = "Orleans' own warnings, too." };
        var command = new Command("worker", "Does parts of the jobs of a cluster until it is stopped: as many machines as there are, which may come and go.");
        cluster.AddTo(command);
        engine.AddTo(command, withPrecision: false);
        foreach (Option option in (Option[])[parts, address, port, gateway, lease, probe, dashboard, telemetry, kubernetes, verbose])
            command.Options.Add(option);
        HelpWithExamples.Add(command, "timm-features worker --cluster redis://queue:6379", "timm-features worker --cluster 'postgres://timm:secret@db/features' --device cuda --dashboard 8080");
        command.SetAction(result => Run(terminal, cluster.ReadShared(result), new WorkerOptions
        {
            Device = engine.Device(result),
            Threads = engine.Threads(result),
            Parts = result.GetValue(parts),
            Address = result.GetValue(address) is { } given ? IPAddress.TryParse(given, out IPAddress? ip) ? ip : throw new UsageException($"--address '{given}' is no IP address; expected one such as 10.0.0.5.") : null,
            SiloPort = result.GetValue(port) ?? WorkerOptions.DefaultSiloPort,
            GatewayPort = result.GetValue(gateway) ?? WorkerOptions.DefaultGatewayPort,
            Lease = TimeSpan.FromSeconds(result.GetValue(lease) ?? 60),
            Probe = TimeSpan.FromSeconds(result.GetValue(probe) ?? 5),
            DashboardPort = result.GetValue(dashboard),
            Telemetry = result.GetValue(telemetry) is not { } url ? null : Uri.TryCreate(url, UriKind.Absolute, out Uri? endpoint) ? endpoint : throw new UsageException($"--otlp '{url}' is no URL; expected one such as http://collector:4317."),
            Kubernetes = result.GetValue(kubernetes),
            Storages = { new AzureBlobStorage(), new S3Storage() },
        }, result.GetValue(verbose)));
        return command;
    }

    private static int Run(Terminal terminal, ClusterAddress address, WorkerOptions options, bool verbose)
    {
        Worker.RunAsync(address, options, line => ClusterLines.Write(terminal, line), verbose, s => s.AddSingleton<PictureBackends>(), terminal.Cancellation).GetAwaiter().GetResult();
        return ExitCode.Success;
    }
}

/// <summary>Lines of a worker: with the time, one at a time.</summary>
internal static class ClusterLines
{
    private static readonly Lock s_gate = new();

    public static void Write(Terminal terminal, string line)
    {
        lock (s_gate)
            terminal.Error.WriteLine($"{DateTime.Now:HH:mm:ss} {line}");
    }
}
