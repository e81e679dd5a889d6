namespace TimmFeatures.Orleans.Grains;

/// <summary>All jobs of a cluster, in turn. There is one, with the key 0.</summary>
internal interface IQueueGrain : IGrainWithIntegerKey
{
    /// <summary>The version of the silo that has the queue.</summary>
    /// <remarks>Different versions ask each other this before anything else, so that no type of ours is in its message: one that was renamed since could not be read.</remarks>
    Task<string> Version();

    /// <summary>The time there, UTC.</summary>
    Task<DateTime> Clock();

    /// <summary>Begins a job, or finds it as it is.</summary>
    Task<JobStatus> Submit(NewJob job);

    /// <summary>Begins anew what is left of a job.</summary>
    /// <returns>How it is; null where there is no such job.</returns>
    Task<JobStatus?> Retry(string job);

    /// <summary>Work for a worker: a part of the next job that has any.</summary>
    /// <returns>Null where there is none now.</returns>
    Task<PartLease?> Lease(WorkerInfo worker);

    /// <summary>How all jobs are that are known, the oldest first.</summary>
    Task<JobStatus[]> Jobs();
}
