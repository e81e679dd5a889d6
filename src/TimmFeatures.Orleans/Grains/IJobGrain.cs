using Orleans.Concurrency;

namespace TimmFeatures.Orleans.Grains;

/// <summary>One job: which parts are done, and who is at the others. Pictures and features are never in its messages.</summary>
internal interface IJobGrain : IGrainWithStringKey
{
    /// <summary>Begins the job. One that is there already stays as it is.</summary>
    /// <returns>How it is.</returns>
    Task<JobStatus> Begin(NewJob job);

    /// <summary>Gives a worker a part.</summary>
    Task<LeaseReply> Lease(WorkerInfo worker);

    /// <summary>A worker is still at its part.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="done">Pictures that are done.</param>
    /// <returns>Whether to go on.</returns>
    [AlwaysInterleave]
    Task<bool> Heartbeat(PartLease lease, string worker, int done);

    /// <summary>A part is published. It may be said again.</summary>
    Task Complete(PartLease lease, PartOutcome outcome);

    /// <summary>A worker could not do its part.</summary>
    Task Fail(PartLease lease, string worker, string error);

    /// <summary>A worker cannot do any part of this job.</summary>
    Task Refuse(PartLease lease, string worker, string reason);

    /// <summary>A worker ends and gives its part back.</summary>
    Task Release(PartLease lease);

    /// <summary>What the job is pinned to, as JSON.</summary>
    [AlwaysInterleave]
    Task<string> Description();

    /// <summary>How it is; null where there is no such job.</summary>
    [AlwaysInterleave]
    Task<JobStatus?> Status();

    /// <summary>Ends it. What is done stays.</summary>
    /// <returns>How it is; null where there is no such job.</returns>
    Task<JobStatus?> Cancel();

    /// <summary>Begins anew what is not done, what failed, and parts that have pictures without features.</summary>
    /// <returns>How it is; null where there is no such job.</returns>
    Task<JobStatus?> Retry();
}
