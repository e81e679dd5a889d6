namespace TimmFeatures.Orleans;

/// <summary>A picture without features.</summary>
/// <param name="Row">Its row in the file, from 0.</param>
/// <param name="Path">Its name.</param>
/// <param name="Error">Why.</param>
[GenerateSerializer]
public sealed record FailedPicture(int Row, string Path, string Error);

/// <summary>A worker at a part of a job.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Part">The part's number, from 0; -1 while it joins them.</param>
/// <param name="Done">Pictures of it that are done.</param>
[GenerateSerializer]
public sealed record BusyWorker(string Worker, int Part, int Done);

/// <summary>A worker that cannot do a job.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Reason">Why: other weights, another version, a folder that is not there.</param>
[GenerateSerializer]
public sealed record RefusingWorker(string Worker, string Reason);

/// <summary>How a job is.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Model">timm's full name of the model.</param>
/// <param name="Output">The file that it makes.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Pictures">All pictures.</param>
/// <param name="Done">Pictures that are done, those of unfinished parts with them.</param>
/// <param name="Failed">Pictures of finished parts that have no features.</param>
/// <param name="Parts">All parts.</param>
/// <param name="PartsDone">Finished parts.</param>
/// <param name="Submitted">When it came, by the clock of the silo that has the job.</param>
/// <param name="Elapsed">From then until it ended, or until now.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="FirstFailures">The first pictures without features, at most 20; the file's report has all.</param>
/// <param name="Workers">Who is at it.</param>
/// <param name="Refusals">Who cannot do it, and why.</param>
[GenerateSerializer]
public sealed record JobStatus(string Id, string Model, string Output, JobPhase Phase, int Pictures, int Done, int Failed, int Parts, int PartsDone, DateTime Submitted, TimeSpan Elapsed, string? Error,
    IReadOnlyList<FailedPicture> FirstFailures, IReadOnlyList<BusyWorker> Workers, IReadOnlyList<RefusingWorker> Refusals)
{
    /// <summary>Whether nothing more happens by itself.</summary>
    public bool HasEnded => Phase is JobPhase.Done or JobPhase.Failed or JobPhase.Cancelled;
}
