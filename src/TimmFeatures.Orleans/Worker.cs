using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TimmFeatures.Orleans.Hosting;

namespace TimmFeatures.Orleans;

/// <summary>A machine that does parts of jobs: an Orleans silo, and beside it what computes.</summary>
public static class Worker
{
    /// <summary>Takes part in a cluster until it is told to stop; then it gives back what it is at.</summary>
    /// <param name="address">The cluster; not <c>local</c>, which is in the process that submits.</param>
    /// <param name="options">How.</param>
    /// <param name="log">Gets a line for whatever happens.</param>
    /// <param name="verbose">Orleans' own warnings, too.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IOException">The cluster's server does not answer, or a port is taken.</exception>
    public static Task RunAsync(ClusterAddress address, WorkerOptions options, Action<string> log, bool verbose = false, CancellationToken cancellation = default)
        => RunAsync(address, options, log, verbose, _ => { }, cancellation);

    /// <summary>The same with more on the silo.</summary>
    internal static async Task RunAsync(ClusterAddress address, WorkerOptions options, Action<string> log, bool verbose, Action<IServiceCollection> services, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(log);
        if (address.Kind == ClusterKind.Local)
            throw new ArgumentException("A worker has no cluster 'local': that is one process, which 'submit --cluster local' is itself. Name a Redis or PostgreSQL server.");
        await ClusterCheck.Run(address, cancellation);
        using IHost host = WorkerHost.Create(address, options, log, verbose, services);
        await Start(host, address, cancellation);
        IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        using (cancellation.Register(lifetime.StopApplication))
            await Task.Delay(Timeout.Infinite, lifetime.ApplicationStopping).ContinueWith(_ => { }, TaskScheduler.Default);
        await host.StopAsync(CancellationToken.None);
        // Orleans stops the host when the others have taken it for dead.
        if (!cancellation.IsCancellationRequested)
            throw new IOException($"The other workers of '{address}' have taken this one for dead, because it did not answer in time. Start it again.");
    }

    /// <summary>Starts a silo; what can go wrong is said in a line.</summary>
    internal static async Task Start(IHost host, ClusterAddress address, CancellationToken cancellation)
    {
        try
        {
            await host.StartAsync(cancellation);
        }
        catch (Exception e) when (e is SocketException || e.InnerException is SocketException)
        {
            throw new IOException($"A port of the worker is taken, or its address is none of this machine: {e.Message} Give others by --port, --gateway-port, --address.", e);
        }
        catch (OrleansException e)
        {
            throw new IOException($"The worker cannot join '{address}': {e.Message}", e);
        }
    }
}
