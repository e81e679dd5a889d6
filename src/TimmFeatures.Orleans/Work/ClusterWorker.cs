using System.Diagnostics;
using Backbones.Engines;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.Work;

/// <summary>Asks the queue for parts, and does them beside the silo's own work: no grain waits for a picture.</summary>
internal sealed partial class ClusterWorker(IGrainFactory grains, ILocalSiloDetails silo, IOptions<WorkerOptions> options, ILogger<ClusterWorker> logger) : BackgroundService
{
    /// <summary>Waits between two questions when there was no work, or no answer: the first and the longest.</summary>
    private static readonly TimeSpan s_firstWait = TimeSpan.FromMilliseconds(250), s_longestWait = TimeSpan.FromSeconds(2);

    /// <summary>More than this between two clocks is worth a word.</summary>
    private static readonly TimeSpan s_skew = TimeSpan.FromMinutes(1);

    private readonly WorkerOptions _options = options.Value;
    private readonly string _name = silo.SiloAddress.ToParsableString();

    private IQueueGrain Queue => grains.GetGrain<IQueueGrain>(0);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        string device = EngineProvider.For(_options.Device).Device;
        string[] kinds = [.. new[] { "cpu", JobDescription.KindOf(device) }.Distinct()];
        LogStarted(_name, device, _options.Threads, _options.Slots);
        using var contexts = new JobContexts(job => grains.GetGrain<IJobGrain>(job).Description(), device, Math.Max(1, _options.Threads / _options.Slots), [.. _options.Storages]);
        try
        {
            await Greet(stoppingToken);
            await Task.WhenAll(Enumerable.Range(0, _options.Slots).Select(slot => Work(new WorkerInfo(_name, kinds), contexts, stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    /// <summary>Compares version and clock with the silo that has the queue.</summary>
    private async Task Greet(CancellationToken stop)
    {
        string version = await Insist("find the queue", () => Queue.Version(), stop);
        if (version != ExtractionSettings.ToolVersion)
            LogVersion(ExtractionSettings.ToolVersion, version);
        DateTime clock = await Insist("ask for the queue's clock", () => Queue.Clock(), stop);
        if ((DateTime.UtcNow - clock).Duration() > s_skew)
            LogSkew(DateTime.UtcNow, clock);
    }

    private async Task Work(WorkerInfo worker, JobContexts contexts, CancellationToken stop)
    {
        TimeSpan wait = s_firstWait;
        while (!stop.IsCancellationRequested)
        {
            long start = Stopwatch.GetTimestamp();
            PartLease? lease = await Insist("ask for work", () => Queue.Lease(worker), stop);
            if (lease is null)
            {
                await Task.Delay(wait, stop);
                wait = TimeSpan.FromTicks(Math.Min(2 * wait.Ticks, s_longestWait.Ticks));
                continue;
            }
            wait = s_firstWait;
            ClusterMeter.Record("lease", start);
            await Do(lease, contexts, stop);
        }
    }

    /// <summary>Does a part, and tells the job what came of it.</summary>
    private async Task Do(PartLease lease, JobContexts contexts, CancellationToken stop)
    {
        IJobGrain job = grains.GetGrain<IJobGrain>(lease.Job);
        try
        {
            await contexts.Use(lease.Job, async context =>
            {
                PartOutcome? outcome = await DoWithHeartbeats(job, context, lease, stop);
                if (outcome is null)
                    return false;
                await Insist($"tell of {Name(lease)}", () => Told(job.Complete(lease, outcome)), stop);
                if (lease.Part == PartLease.Merge)
                    LogMerged(lease.Job, context.Description.Output, outcome.Pictures, outcome.Failures);
                else
                    LogPart(lease.Job, lease.Part, context.Description.Parts, outcome.Pictures, outcome.Failures);
                // Parts with pictures that failed stay, to be tried again.
                if (lease.Part == PartLease.Merge && outcome.Failures == 0)
                    context.Store.DeleteParts();
                return true;
            }, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Release(job, lease);
            throw;
        }
        catch (RefusedException e)
        {
            LogRefused(lease.Job, OneLine(e));
            await Insist($"refuse {lease.Job}", () => Told(job.Refuse(lease, _name, OneLine(e))), stop);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(lease.Job, Name(lease), OneLine(e));
            await Insist($"tell of {Name(lease)}", () => Told(job.Fail(lease, _name, OneLine(e))), stop);
        }
    }

    /// <summary>Does a part on a thread of its own, and gives signs of life while it does.</summary>
    /// <returns>What came of it; null when the job did not want it any more.</returns>
    private async Task<PartOutcome?> DoWithHeartbeats(IJobGrain job, JobContext context, PartLease lease, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        bool unwanted = false;
        var work = new PartWork(context, lease);
        Task<PartOutcome> running = Task.Factory.StartNew(() => work.Run(IsWanted, ended.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (await Task.WhenAny(running, Task.Delay(lease.Duration / 5, CancellationToken.None)) != running)
        {
            try
            {
                if (!await job.Heartbeat(lease, _name, work.Done))
                {
                    unwanted = true;
                    await ended.CancelAsync();
                    break;
                }
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The job's silo may be gone. It will be found again; until then the work goes on.
            }
        }
        try
        {
            return await running;
        }
        catch (OperationCanceledException) when (unwanted || !stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !CanWrite(context, out string? problem))
        {
            throw new RefusedException(problem, e);
        }

        bool IsWanted() => job.Heartbeat(lease, _name, work.Done).GetAwaiter().GetResult();
    }

    /// <summary>A folder or storage that is gone here is no fault of the part.</summary>
    private static bool CanWrite(JobContext context, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        try
        {
            context.Store.Check();
            problem = null;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return false;
        }
    }

    private static async Task Release(IJobGrain job, PartLease lease)
    {
        try
        {
            await job.Release(lease);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Then the lease runs out.
        }
    }

    /// <summary>Says something until it is heard: silos and databases come back.</summary>
    private async Task<T> Insist<T>(string what, Func<Task<T>> say, CancellationToken stop)
    {
        TimeSpan wait = s_firstWait;
        for (bool told = false; ;)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                return await say();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (!told)
                    LogWaiting(what, OneLine(e));
                told = true;
            }
            await Task.Delay(wait, stop);
            wait = TimeSpan.FromTicks(Math.Min(2 * wait.Ticks, s_longestWait.Ticks));
        }
    }

    private static async Task<bool> Told(Task say)
    {
        await say;
        return true;
    }

    private static string Name(PartLease lease) => lease.Part == PartLease.Merge ? "the joining" : $"part {lease.Part}";

    private static string OneLine(Exception e) => string.Join(' ', e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    [LoggerMessage(LogLevel.Information, "Worker {Name}: {Device}, {Threads} threads, {Parts} part(s) at once.")]
    private partial void LogStarted(string name, string device, int threads, int parts);

    [LoggerMessage(LogLevel.Warning, "This worker has version {Own} of timm-features, and the cluster's queue {Other}: jobs of another version than a worker's are refused by it, and if it does not understand the queue it waits until one of its own version has it.")]
    private partial void LogVersion(string own, string other);

    [LoggerMessage(LogLevel.Warning, "This machine's clock says {Own:u} and the queue's {Other:u}. Leases do not depend on it; Orleans may take a machine for dead whose clock is minutes behind. Set the clocks (NTP).")]
    private partial void LogSkew(DateTime own, DateTime other);

    [LoggerMessage(LogLevel.Information, "{Job}: part {Part} of {Parts}, {Pictures} pictures, {Failures} without features.")]
    private partial void LogPart(string job, int part, int parts, int pictures, int failures);

    [LoggerMessage(LogLevel.Information, "{Job}: {Output} is there, {Pictures} rows, {Failures} without features.")]
    private partial void LogMerged(string job, string output, int pictures, int failures);

    [LoggerMessage(LogLevel.Warning, "{Job}: refused. {Reason}")]
    private partial void LogRefused(string job, string reason);

    [LoggerMessage(LogLevel.Warning, "{Job}: {Part} failed. {Error}")]
    private partial void LogFailed(string job, string part, string error);

    [LoggerMessage(LogLevel.Warning, "Cannot {What} now, tried again until it works: {Error}")]
    private partial void LogWaiting(string what, string error);
}
