using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Hosting;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans;

/// <summary>Submits jobs to a cluster, and asks for them. With <c>local</c> it is the cluster itself, which ends with it. Thread safe.</summary>
public sealed class ClusterClient : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly ClusterAddress _address;
    private readonly IReadOnlyCollection<ObjectStorage> _storages;

    private ClusterClient(IHost host, ClusterAddress address, IReadOnlyCollection<ObjectStorage> storages) => (_host, _address, _storages) = (host, address, storages);

    internal IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    private IQueueGrain Queue => Grains.GetGrain<IQueueGrain>(0);

    /// <summary>Connects to a cluster.</summary>
    /// <param name="address">The cluster.</param>
    /// <param name="log">Gets lines of the worker that <c>local</c> has.</param>
    /// <param name="local">How that worker works. Of a cluster elsewhere only <see cref="WorkerOptions.Storages"/> matter: what jobs can be written to beside folders.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="IOException">The cluster's server does not answer, no worker does, or they have another version of this package.</exception>
    public static async Task<ClusterClient> ConnectAsync(ClusterAddress address, Action<string>? log = null, WorkerOptions? local = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        await ClusterCheck.Run(address, cancellation);
        IHost host = address.Kind == ClusterKind.Local ? WorkerHost.Create(address, local ?? new WorkerOptions(), log ?? (_ => { }), verbose: false, _ => { }) : CreateClient(address);
        try
        {
            await Start(host, address, cancellation);
        }
        catch
        {
            // Stopping what was never started can take minutes.
            host.Dispose();
            throw;
        }
        var client = new ClusterClient(host, address, [.. local?.Storages ?? []]);
        try
        {
            CheckVersion(address, await client.Ask(() => client.Queue.Version()));
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Finds the pictures, opens the model once, writes both down beside the file to make, and hands the job over.</summary>
    /// <param name="request">The job.</param>
    /// <param name="standardInput">A path a line, where <c>-</c> is one of the pictures.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>How the job is. Submitted again after the cluster has lost it, it goes on with the parts that are there.</returns>
    /// <exception cref="ArgumentException">There is no such model or kind of file.</exception>
    /// <exception cref="IOException">The file is there already, or cannot be written; or the cluster or the storage does not answer.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder or the storage refuses to be written.</exception>
    /// <exception cref="FormatException">The output is an address that no storage here has, or has credentials in it.</exception>
    /// <exception cref="InvalidOperationException">The same job is there already.</exception>
    public async Task<JobStatus> SubmitAsync(JobRequest request, TextReader? standardInput = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        NewJob job = await Task.Run(() => JobFolder.Prepare(request, standardInput ?? TextReader.Null, _storages), cancellation);
        if (await Ask(() => Grains.GetGrain<IJobGrain>(job.Id).Status()) is { } known)
        {
            throw new InvalidOperationException(known.HasEnded ? $"Job '{known.Id}' for '{known.Output}' is there already and has ended ({known.Phase}). 'retry {known.Id}' does what is left of it."
                : $"Job '{known.Id}' for '{known.Output}' is there already and is at it. 'status {known.Id}' tells how far.");
        }
        return await Ask(() => Queue.Submit(job));
    }

    /// <summary>How a job is; null where there is no such job.</summary>
    public Task<JobStatus?> StatusAsync(string job) => Ask(() => Grains.GetGrain<IJobGrain>(job).Status());

    /// <summary>How all jobs are that the cluster knows, the oldest first.</summary>
    public async Task<IReadOnlyList<JobStatus>> JobsAsync() => await Ask(() => Queue.Jobs());

    /// <summary>Ends a job. What is done stays, for <see cref="RetryAsync"/>.</summary>
    /// <returns>How it is; null where there is no such job.</returns>
    public Task<JobStatus?> CancelAsync(string job) => Ask(() => Grains.GetGrain<IJobGrain>(job).Cancel());

    /// <summary>Begins anew what is left of a job that was cancelled or failed, and parts of a finished one that have pictures without features. Workers that refused it may try again.</summary>
    /// <returns>How it is; null where there is no such job.</returns>
    public Task<JobStatus?> RetryAsync(string job) => Ask(() => Queue.Retry(job));

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }

    /// <exception cref="IOException">It is another than this one's.</exception>
    internal static void CheckVersion(ClusterAddress address, string version)
    {
        if (version != ExtractionSettings.ToolVersion)
        {
            throw new IOException($"The workers of '{address}' have version {version} of timm-features, and this is {ExtractionSettings.ToolVersion}. "
                + $"Use version {version} here, or stop all workers and start them with {ExtractionSettings.ToolVersion}.");
        }
    }

    private static IHost CreateClient(ClusterAddress address)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        WorkerHost.AddCommon(builder, _ => { }, verbose: false);
        builder.UseOrleansClient(client => WorkerHost.Configure(client, address));
        return builder.Build();
    }

    private static async Task Start(IHost host, ClusterAddress address, CancellationToken cancellation)
    {
        if (address.Kind == ClusterKind.Local)
        {
            await Worker.Start(host, address, cancellation);
            return;
        }
        try
        {
            await host.StartAsync(cancellation);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or System.Net.Sockets.SocketException)
        {
            throw new IOException($"No worker of '{address}' answers ({e.Message.Split('\n')[0].Trim()}). Start one: timm-features worker --cluster {address}", e);
        }
    }

    /// <summary>One question, asked again while a silo of the cluster is found to be gone, or to be of another version: the next may be asked then.</summary>
    private async Task<T> Ask<T>(Func<Task<T>> ask)
    {
        const int Attempts = 3;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await ask();
            }
            // Whatever it is, it is the cluster's. A message of another version can fail as anything.
            catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
            {
                if (attempt == Attempts)
                {
                    string what = e is OrleansException or TimeoutException ? "does not answer"
                        : $"does not understand this client of version {ExtractionSettings.ToolVersion}, perhaps because some of its workers have another";
                    throw new IOException($"The cluster '{_address}' {what}: {e.Message.Split('\n')[0].Trim()}", e);
                }
            }
            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }
}
