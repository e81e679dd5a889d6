using Orleans.Concurrency;
using TimmFeatures.Extraction;

namespace TimmFeatures.Orleans.Grains;

/// <summary>Names of jobs, in the order in which they came.</summary>
[GenerateSerializer]
internal sealed class QueueState
{
    /// <summary>Those that may have work.</summary>
    [Id(0)]
    public List<string> Active { get; set; } = [];

    /// <summary>The last that ended.</summary>
    [Id(1)]
    public List<string> Ended { get; set; } = [];
}

/// <summary>See <see cref="IQueueGrain"/>. Jobs take turns, a part each, so that a small one beside a large one is soon done. Calls interleave: a job that does not answer holds up nobody but who asks it.</summary>
[Reentrant]
internal sealed class QueueGrain([PersistentState("queue", JobGrain.Storage)] IPersistentState<QueueState> stored, TimeProvider clock) : Grain, IQueueGrain
{
    private const int MaxEnded = 100;

    private readonly SemaphoreSlim _writing = new(1);
    private int _turn;

    private QueueState State => stored.State;

    public Task<string> Version() => Task.FromResult(ExtractionSettings.ToolVersion);

    public Task<DateTime> Clock() => Task.FromResult(clock.GetUtcNow().UtcDateTime);

    public async Task<JobStatus> Submit(NewJob job)
    {
        JobStatus status = await Job(job.Id).Begin(job);
        if (!status.HasEnded)
            await Activate(job.Id);
        return status;
    }

    public async Task<JobStatus?> Retry(string job)
    {
        JobStatus? status = await Job(job).Retry();
        if (status is { HasEnded: false })
            await Activate(job);
        return status;
    }

    public async Task<PartLease?> Lease(WorkerInfo worker)
    {
        string[] jobs = [.. State.Active];
        int turn = _turn;
        Exception? problem = null;
        for (int i = 0; i < jobs.Length; i++)
        {
            string job = jobs[(turn + i) % jobs.Length];
            LeaseReply reply;
            try
            {
                reply = await Job(job).Lease(worker);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                problem = e;
                continue;
            }
            if (reply.HasEnded)
                await Change(s =>
                {
                    if (s.Active.Remove(job))
                        s.Ended.Add(job);
                    if (s.Ended.Count > MaxEnded)
                        s.Ended.RemoveAt(0);
                });
            if (reply.Lease is { } lease)
            {
                _turn = State.Active.IndexOf(job) + 1;
                return lease;
            }
        }
        return problem is null ? null : throw problem;
    }

    public async Task<JobStatus[]> Jobs()
    {
        JobStatus?[] all = await Task.WhenAll(State.Ended.Concat(State.Active).Select(j => Job(j).Status()));
        return [.. all.OfType<JobStatus>()];
    }

    private IJobGrain Job(string job) => GrainFactory.GetGrain<IJobGrain>(job);

    private Task Activate(string job) => Change(s =>
    {
        s.Ended.Remove(job);
        if (!s.Active.Contains(job))
            s.Active.Add(job);
    });

    /// <summary>One write at a time.</summary>
    private async Task Change(Action<QueueState> change)
    {
        await _writing.WaitAsync();
        try
        {
            change(State);
            await stored.WriteStateAsync();
        }
        catch
        {
            // What is in memory may not be what is written.
            DeactivateOnIdle();
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }
}
