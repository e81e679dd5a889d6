namespace TimmFeatures.Orleans.Grains;

/// <summary>
/// The rules by which parts are leased, lost, done and failed. Leases are in memory alone and run by this machine's monotonic clock: no other clock counts. A job that moves to another silo learns of them from the
/// workers' next signs of life, and leases nothing new until these had time to come.
/// </summary>
/// <param name="state">What is kept.</param>
/// <param name="clock">This machine's clock.</param>
/// <param name="duration">How long a lease is good without a sign of life.</param>
internal sealed class PartLedger(JobState state, TimeProvider clock, TimeSpan duration)
{
    /// <summary>How often a part may fail.</summary>
    public const int MaxAttempts = 4;

    private const int MaxFirstFailures = 20;

    /// <summary>So many workers that cannot do a job are known; more would get its parts and refuse them by turns.</summary>
    private const int MaxRefusals = 256;

    private readonly Dictionary<int, Holder> _leases = [];
    private long _quietFrom = long.MinValue;
    private int _next;

    private sealed class Holder(Guid id, string worker)
    {
        public Guid Id => id;

        public string Worker => worker;

        public long Seen { get; set; }

        public int Done { get; set; }
    }

    /// <summary>Parts that are neither done nor leased.</summary>
    public int Waiting => state.Job is null || state.Phase != JobPhase.Computing ? 0 : state.Job.Parts - state.PartsDone - _leases.Count;

    /// <summary>Workers at work.</summary>
    public IReadOnlyList<BusyWorker> Workers => [.. _leases.OrderBy(l => l.Key).Select(l => new BusyWorker(l.Value.Worker, l.Key, l.Value.Done))];

    /// <summary>Pictures that are done, those of unfinished parts with them.</summary>
    public int PicturesDone => Math.Min(state.Job?.Pictures ?? 0, state.PicturesDone + _leases.Values.Sum(l => l.Done));

    /// <summary>The job begins.</summary>
    public void Begin(NewJob job)
    {
        (state.Job, state.Phase, state.Round, state.Submitted) = (job, JobPhase.Computing, 1, clock.GetUtcNow().UtcDateTime);
        state.Done = new byte[(job.Parts + 7) / 8];
        state.Incomplete = new byte[(job.Parts + 7) / 8];
        Advance();
    }

    /// <summary>The job comes from somewhere else: workers that are at it tell of themselves first.</summary>
    public void Move() => _quietFrom = clock.GetTimestamp();

    /// <summary>Gives a worker a part.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="changed">Whether the state has to be written: a worker was lost.</param>
    public LeaseReply Lease(WorkerInfo worker, out bool changed)
    {
        changed = Expire();
        if (state.Phase is JobPhase.Done or JobPhase.Failed or JobPhase.Cancelled || state.Job is null)
            return new LeaseReply(null, true);
        bool quiet = _quietFrom != long.MinValue && clock.GetElapsedTime(_quietFrom) < duration / 2;
        if (quiet || state.Refusals.ContainsKey(worker.Name) || !worker.DeviceKinds.Contains(state.Job.DeviceKind) || Next() is not { } part)
            return new LeaseReply(null, false);
        var id = Guid.NewGuid();
        _leases.Add(part, new Holder(id, worker.Name) { Seen = clock.GetTimestamp() });
        return new LeaseReply(new PartLease(state.Job.Id, part, id, state.Round, part >= 0 && Has(state.Incomplete, part), duration), false);
    }

    /// <summary>A worker is at its part. One that was given up, or is unknown after a move, gets it back if nobody else has it.</summary>
    public bool Heartbeat(PartLease lease, string worker, int done)
    {
        if (!IsWanted(lease) || (_leases.TryGetValue(lease.Part, out Holder? holder) && holder.Id != lease.Id))
            return false;
        if (holder is null)
            _leases.Add(lease.Part, holder = new Holder(lease.Id, worker));
        (holder.Seen, holder.Done) = (clock.GetTimestamp(), done);
        return true;
    }

    /// <summary>A part is published: whoever did it, it is done, and once.</summary>
    /// <returns>Whether the state has changed.</returns>
    public bool Complete(PartLease lease, PartOutcome outcome)
    {
        if (!IsWanted(lease))
            return false;
        _leases.Remove(lease.Part);
        if (lease.Part == PartLease.Merge)
        {
            End(JobPhase.Done, null);
            return true;
        }
        Set(state.Done, lease.Part, true);
        Set(state.Incomplete, lease.Part, outcome.Failures > 0);
        state.Failures.Remove(lease.Part);
        state.PartsDone++;
        state.PicturesDone += outcome.Pictures;
        state.PicturesFailed += outcome.Failures;
        state.FirstFailures = [.. state.FirstFailures.Concat(outcome.First).OrderBy(f => f.Row).Take(MaxFirstFailures)];
        Advance();
        return true;
    }

    /// <summary>A worker could not do its part.</summary>
    public bool Fail(PartLease lease, string error)
    {
        if (!IsHeld(lease))
            return false;
        Lose(lease.Part, error);
        return true;
    }

    /// <summary>A worker cannot do the job.</summary>
    public bool Refuse(PartLease lease, string worker, string reason)
    {
        if (IsHeld(lease))
            Return(lease.Part);
        if (state.Refusals.ContainsKey(worker))
            return false;
        // The oldest goes. A dictionary keeps its order only while nothing is removed, so a new one is made.
        state.Refusals = new Dictionary<string, string>(state.Refusals.Skip(state.Refusals.Count - MaxRefusals + 1)) { [worker] = reason };
        return true;
    }

    /// <summary>A worker gives its part back.</summary>
    public void Release(PartLease lease)
    {
        if (IsHeld(lease))
            Return(lease.Part);
    }

    public void Cancel()
    {
        _leases.Clear();
        End(JobPhase.Cancelled, null);
    }

    /// <summary>Begins anew what is left.</summary>
    /// <returns>Whether anything is.</returns>
    public bool Retry()
    {
        bool incomplete = state.Incomplete.Any(b => b != 0);
        if (state.Phase is JobPhase.Computing or JobPhase.Merging || (state.Phase == JobPhase.Done && !incomplete))
        {
            // Workers that could not may be able to now.
            bool refused = state.Refusals.Count > 0;
            state.Refusals.Clear();
            return refused;
        }
        _leases.Clear();
        state.Failures.Clear();
        state.Refusals.Clear();
        (state.Phase, state.Error, state.Ended, _next) = (JobPhase.Computing, null, null, 0);
        state.Round++;
        for (int part = 0; incomplete && part < state.Job!.Parts; part++)
        {
            if (!Has(state.Incomplete, part))
                continue;
            Set(state.Done, part, false);
            state.PartsDone--;
            (int first, int end) = new Extraction.Shard(part, state.Job.Parts).RangeOf(state.Job.Pictures);
            state.PicturesDone -= end - first;
        }
        state.PicturesFailed = 0;
        state.FirstFailures.Clear();
        Advance();
        return true;
    }

    /// <summary>Parts of workers that gave no sign of life are waiting again.</summary>
    private bool Expire()
    {
        int[] lost = [.. _leases.Where(l => clock.GetElapsedTime(l.Value.Seen) > duration).Select(l => l.Key)];
        foreach (int part in lost)
            Lose(part, $"Worker {_leases[part].Worker} was lost while it was at it.");
        return lost.Length > 0;
    }

    private void Lose(int part, string error)
    {
        int attempts = (state.Failures.TryGetValue(part, out FailedPart? before) ? before.Attempts : 0) + 1;
        state.Failures[part] = new FailedPart(attempts, error);
        Return(part);
        Advance();
    }

    private void Return(int part)
    {
        _leases.Remove(part);
        _next = Math.Min(_next, Math.Max(part, 0));
    }

    /// <summary>The next part that waits.</summary>
    private int? Next()
    {
        if (state.Phase == JobPhase.Merging)
            return _leases.ContainsKey(PartLease.Merge) ? null : PartLease.Merge;
        for (; _next < state.Job!.Parts; _next++)
        {
            if (!Has(state.Done, _next) && !_leases.ContainsKey(_next) && !IsGivenUp(_next))
                return _next++;
        }
        return null;
    }

    /// <summary>When no part is left, they are joined; or the job has failed.</summary>
    private void Advance()
    {
        int givenUp = state.Failures.Values.Count(f => f.Attempts >= MaxAttempts);
        if (state.Phase == JobPhase.Merging && IsGivenUp(PartLease.Merge))
            End(JobPhase.Failed, $"The parts could not be joined: {state.Failures[PartLease.Merge].Error}");
        else if (state.Phase == JobPhase.Computing && state.PartsDone == state.Job!.Parts)
            state.Phase = JobPhase.Merging;
        else if (state.Phase == JobPhase.Computing && givenUp > 0 && state.PartsDone + givenUp == state.Job!.Parts)
            End(JobPhase.Failed, $"{givenUp} of {state.Job.Parts} parts failed {MaxAttempts} times; part {state.Failures.First(f => f.Value.Attempts >= MaxAttempts).Key}: {state.Failures.First(f => f.Value.Attempts >= MaxAttempts).Value.Error}");
    }

    private void End(JobPhase phase, string? error) => (state.Phase, state.Error, state.Ended) = (phase, error, clock.GetUtcNow().UtcDateTime);

    private bool IsGivenUp(int part) => state.Failures.TryGetValue(part, out FailedPart? failed) && failed.Attempts >= MaxAttempts;

    /// <summary>Whether the part is of this round and not done.</summary>
    private bool IsWanted(PartLease lease) => lease.Round == state.Round && (lease.Part == PartLease.Merge ? state.Phase == JobPhase.Merging : state.Phase == JobPhase.Computing && !Has(state.Done, lease.Part));

    private bool IsHeld(PartLease lease) => IsWanted(lease) && _leases.TryGetValue(lease.Part, out Holder? holder) && holder.Id == lease.Id;

    private static bool Has(byte[] bits, int index) => (bits[index >> 3] & (1 << (index & 7))) != 0;

    private static void Set(byte[] bits, int index, bool value)
    {
        if (value)
            bits[index >> 3] |= (byte)(1 << (index & 7));
        else
            bits[index >> 3] &= (byte)~(1 << (index & 7));
    }
}
