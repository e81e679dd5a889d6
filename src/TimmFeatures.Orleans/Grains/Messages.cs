namespace TimmFeatures.Orleans.Grains;

/// <summary>Who asks for work.</summary>
/// <param name="Name">The worker's name, another one each time that it starts.</param>
/// <param name="DeviceKinds">Kinds of devices that it computes on.</param>
[GenerateSerializer]
internal sealed record WorkerInfo(string Name, string[] DeviceKinds);

/// <summary>A part of a job, for a while.</summary>
/// <param name="Job">The job's name.</param>
/// <param name="Part">The part's number; <see cref="Merge"/> for joining them all.</param>
/// <param name="Id">Tells this lease from others of the same part.</param>
/// <param name="Round">How often the job was begun: what was leased in a round before is not this job's any more.</param>
/// <param name="Again">The part is there, and is to be done anew.</param>
/// <param name="Duration">Until when the job waits for a sign of life.</param>
[GenerateSerializer]
internal sealed record PartLease(string Job, int Part, Guid Id, int Round, bool Again, TimeSpan Duration)
{
    /// <summary>The part's number that means joining.</summary>
    public const int Merge = -1;
}

/// <summary>What a job has for a worker.</summary>
/// <param name="Lease">Work; null where there is none now.</param>
/// <param name="HasEnded">Nor will there be any.</param>
[GenerateSerializer]
internal sealed record LeaseReply(PartLease? Lease, bool HasEnded);

/// <summary>A part that is done.</summary>
/// <param name="Pictures">Its pictures.</param>
/// <param name="Failures">How many of them have no features.</param>
/// <param name="First">The first of these; rows are the whole file's.</param>
[GenerateSerializer]
internal sealed record PartOutcome(int Pictures, int Failures, FailedPicture[] First);

/// <summary>A job as it comes.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Description">A <see cref="Jobs.JobDescription"/> as JSON.</param>
/// <param name="Model">timm's full name of the model.</param>
/// <param name="Output">The file to make.</param>
/// <param name="DeviceKind">Kind of device that it wants.</param>
/// <param name="Pictures">Number of pictures.</param>
/// <param name="Parts">Number of parts.</param>
[GenerateSerializer]
internal sealed record NewJob(string Id, string Description, string Model, string Output, string DeviceKind, int Pictures, int Parts);
