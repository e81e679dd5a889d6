using System.Diagnostics;
using System.Globalization;
using TimmFeatures.Orleans;

namespace TimmFeatures.Cli.Commands.Cluster;

/// <summary>Jobs in words.</summary>
internal static class JobLines
{
    /// <exception cref="KeyNotFoundException">There is no such job.</exception>
    public static JobStatus Known(JobStatus? status, string job) => status ?? throw new KeyNotFoundException($"The cluster has no job '{job}'; 'timm-features status' lists those it has.");

    /// <summary>Follows a job until it has ended.</summary>
    public static async Task<JobStatus> Watch(Terminal terminal, ClusterClient client, string job)
    {
        var progress = new ExtractionProgress(terminal);
        JobStatus status = Known(await client.StatusAsync(job), job);
        int done = status.Done;
        progress.Begin(status.Pictures, done);
        var watch = Stopwatch.StartNew();
        try
        {
            while (!status.HasEnded)
            {
                // Often at first, because a small job is soon done.
                await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(watch.Elapsed.TotalSeconds / 5, 0.05, 1)), terminal.Cancellation);
                status = Known(await client.StatusAsync(job), job);
                // Of a worker that is lost, what it had done is lost, too.
                progress.Add(status.Done - done);
                done = status.Done;
            }
            return status;
        }
        finally
        {
            progress.End();
        }
    }

    /// <summary>Prints a job.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="status">The job.</param>
    /// <param name="json">As JSON.</param>
    /// <param name="expectDone">That it has not made its file is a failure.</param>
    public static int Report(Terminal terminal, JobStatus status, bool json, bool expectDone = true)
    {
        if (json)
            terminal.Json(status);
        else
            Write(terminal, status);
        return expectDone && status.Phase != JobPhase.Done ? ExitCode.Failure : ExitCode.Success;
    }

    public static string[] Cells(JobStatus status) =>
        [status.Id, Name(status.Phase), Number(status.Pictures), Number(status.Done), Number(status.Failed), Number(status.Workers.Count), status.Output];

    private static void Write(Terminal terminal, JobStatus s)
    {
        terminal.Out.WriteLine($"{s.Id}: {Name(s.Phase)}, {s.Done} of {s.Pictures} images in {s.PartsDone} of {s.Parts} parts after {s.Elapsed.TotalSeconds:0} s, {s.Failed} without features; {s.Output}");
        if (s.Error is { } error)
            terminal.Error.WriteLine(error);
        foreach (BusyWorker worker in s.Workers)
            terminal.Out.WriteLine($"  {worker.Worker}: {(worker.Part < 0 ? "joins the parts" : $"part {Number(worker.Part)}, {Number(worker.Done)} images")}");
        foreach (RefusingWorker refusal in s.Refusals)
            terminal.Error.WriteLine($"Refused by {refusal.Worker}: {refusal.Reason}");
        foreach (FailedPicture failed in s.FirstFailures)
            terminal.Error.WriteLine($"No features of '{failed.Path}' (row {Number(failed.Row)}): {failed.Error}");
        if (s.Failed > s.FirstFailures.Count)
            terminal.Error.WriteLine($"… and of {Number(s.Failed - s.FirstFailures.Count)} more; the report beside the file lists all.");
    }

    private static string Name(JobPhase phase) => phase.ToString().ToLowerInvariant();

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
