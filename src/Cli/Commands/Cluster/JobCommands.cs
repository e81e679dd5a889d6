using System.CommandLine;
using TimmFeatures.Cli.Options;
using TimmFeatures.Orleans;

namespace TimmFeatures.Cli.Commands.Cluster;

/// <summary><c>status</c>, <c>cancel</c>, <c>retry</c>, <c>cluster-tables</c>.</summary>
internal static class JobCommands
{
    public static Command CreateStatus(Terminal terminal)
    {
        var cluster = new ClusterOptionSet();
        var job = new Argument<string?>("JOB") { Description = "What 'submit' printed; all jobs unless given.", Arity = ArgumentArity.ZeroOrOne };
        var watch = new Option<bool>("--watch") { Description = "Until it has ended." };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("status", "Tells how far a job is, who is at it, and which images failed and why.") { job, watch, json };
        cluster.AddTo(command);
        HelpWithExamples.Add(command, "timm-features status --cluster redis://queue:6379", "timm-features status features-3f9a2c --watch");
        command.SetAction(result => Status(terminal, cluster.ReadShared(result), result.GetValue(job), result.GetValue(watch), result.GetValue(json)).GetAwaiter().GetResult());
        return command;
    }

    public static Command CreateCancel(Terminal terminal) => Create(terminal, "cancel", "Ends a job. What is done stays; 'retry' goes on with it.", (client, job) => client.CancelAsync(job));

    public static Command CreateRetry(Terminal terminal) => Create(terminal, "retry", "Does anew what is left of a job that was cancelled or failed, and parts with images that could not be read. Workers that refused it may try again.",
        (client, job) => client.RetryAsync(job));

    public static Command CreateTables(Terminal terminal)
    {
        var cluster = new ClusterOptionSet();
        var command = new Command("cluster-tables", "Makes the tables of a cluster in a PostgreSQL database, once; what is in them stays.");
        cluster.AddTo(command);
        HelpWithExamples.Add(command, "timm-features cluster-tables --cluster postgres://timm:secret@db/features");
        command.SetAction(result => Tables(terminal, cluster.ReadShared(result)).GetAwaiter().GetResult());
        return command;
    }

    private static Command Create(Terminal terminal, string verb, string description, Func<ClusterClient, string, Task<JobStatus?>> act)
    {
        var cluster = new ClusterOptionSet();
        var job = new Argument<string>("JOB") { Description = "What 'submit' printed." };
        Option<bool> json = CommonOptions.Json();
        var command = new Command(verb, description) { job, json };
        cluster.AddTo(command);
        HelpWithExamples.Add(command, $"timm-features {verb} features-3f9a2c --cluster redis://queue:6379");
        command.SetAction(result => Act(terminal, cluster.ReadShared(result), result.GetValue(job)!, act, result.GetValue(json)).GetAwaiter().GetResult());
        return command;
    }

    private static async Task<int> Status(Terminal terminal, ClusterAddress address, string? job, bool watch, bool json)
    {
        await using ClusterClient client = await ClusterClient.ConnectAsync(address, cancellation: terminal.Cancellation);
        if (job is not null)
            return JobLines.Report(terminal, watch ? await JobLines.Watch(terminal, client, job) : JobLines.Known(await client.StatusAsync(job), job), json, expectDone: watch);
        IReadOnlyList<JobStatus> jobs = await client.JobsAsync();
        if (json)
            terminal.Json(jobs);
        else
            terminal.Table(["job", "phase", "images", "done", "failed", "workers", "output"], jobs.Select(j => JobLines.Cells(j)));
        return ExitCode.Success;
    }

    private static async Task<int> Act(Terminal terminal, ClusterAddress address, string job, Func<ClusterClient, string, Task<JobStatus?>> act, bool json)
    {
        await using ClusterClient client = await ClusterClient.ConnectAsync(address, cancellation: terminal.Cancellation);
        return JobLines.Report(terminal, JobLines.Known(await act(client, job), job), json, expectDone: false);
    }

    private static async Task<int> Tables(Terminal terminal, ClusterAddress address)
    {
        await PostgresTables.CreateAsync(address, terminal.Cancellation);
        terminal.Out.WriteLine($"{address} has the tables of a cluster.");
        return ExitCode.Success;
    }
}
