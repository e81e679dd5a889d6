using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace TimmFeatures.Orleans.Grains;

/// <summary>See <see cref="IJobGrain"/>. What a caller was told is written before.</summary>
internal sealed class JobGrain([PersistentState("job", JobGrain.Storage)] IPersistentState<JobState> stored, TimeProvider clock, IOptions<WorkerOptions> options) : Grain, IJobGrain
{
    /// <summary>Name of the storage of all grains here.</summary>
    public const string Storage = "timm-features";

    private PartLedger _ledger = null!;
    private bool _unwritten;

    private JobState State => stored.State;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _ledger = new PartLedger(State, clock, options.Value.Lease);
        if (State.Job is not null)
            _ledger.Move();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        ClusterMeter.Forget(this.GetPrimaryKeyString());
        return Task.CompletedTask;
    }

    public async Task<JobStatus> Begin(NewJob job)
    {
        if (State.Job is null)
        {
            _ledger.Begin(job);
            await Write(changed: true);
        }
        return StatusNow()!;
    }

    public async Task<LeaseReply> Lease(WorkerInfo worker)
    {
        LeaseReply reply = _ledger.Lease(worker, out bool changed);
        await Write(changed);
        return reply;
    }

    public Task<bool> Heartbeat(PartLease lease, string worker, int done) => Task.FromResult(_ledger.Heartbeat(lease, worker, done));

    public Task Complete(PartLease lease, PartOutcome outcome) => Write(_ledger.Complete(lease, outcome));

    public Task Fail(PartLease lease, string worker, string error) => Write(_ledger.Fail(lease, $"{worker}: {error}"));

    public Task Refuse(PartLease lease, string worker, string reason) => Write(_ledger.Refuse(lease, worker, reason));

    public Task Release(PartLease lease)
    {
        _ledger.Release(lease);
        return Task.CompletedTask;
    }

    public Task<string> Description() => Task.FromResult(State.Job?.Description ?? throw new KeyNotFoundException($"There is no job '{this.GetPrimaryKeyString()}'."));

    public Task<JobStatus?> Status() => Task.FromResult(StatusNow());

    public async Task<JobStatus?> Cancel()
    {
        if (State.Job is not null && StatusNow()!.HasEnded == false)
        {
            _ledger.Cancel();
            await Write(changed: true);
        }
        return StatusNow();
    }

    public async Task<JobStatus?> Retry()
    {
        if (State.Job is not null)
            await Write(_ledger.Retry());
        return StatusNow();
    }

    /// <summary>Writes the state if it has changed, or has before and could not be written then.</summary>
    private async Task Write(bool changed)
    {
        _unwritten |= changed;
        if (State.Job is { } job)
            ClusterMeter.SetWaiting(job.Id, _ledger.Waiting);
        if (!_unwritten)
            return;
        try
        {
            await stored.WriteStateAsync();
            _unwritten = false;
        }
        catch (InconsistentStateException)
        {
            // Another activation has written since: this one is out of date.
            DeactivateOnIdle();
            throw;
        }
    }

    private JobStatus? StatusNow() => State.Job is not { } job ? null : new JobStatus(job.Id, job.Model, job.Output, State.Phase, job.Pictures, _ledger.PicturesDone, State.PicturesFailed, job.Parts, State.PartsDone,
        State.Submitted, (State.Ended ?? clock.GetUtcNow().UtcDateTime) - State.Submitted, State.Error, [.. State.FirstFailures], _ledger.Workers, [.. State.Refusals.Select(r => new RefusingWorker(r.Key, r.Value))]);
}
