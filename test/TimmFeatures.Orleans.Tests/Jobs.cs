namespace TimmFeatures.Orleans.Tests;

/// <summary>Waiting for jobs: as long as it takes on a busy machine, and not for ever.</summary>
internal static class Jobs
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    public static Task<JobStatus> Ended(this ClusterClient client, string job) => client.Until(job, s => s.HasEnded);

    /// <summary>Waits until something is so of a job.</summary>
    public static async Task<JobStatus> Until(this ClusterClient client, string job, Func<JobStatus, bool> reached)
    {
        DateTime last = DateTime.UtcNow + s_patience;
        string problem = "";
        while (DateTime.UtcNow < last)
        {
            try
            {
                JobStatus status = await client.StatusAsync(job) ?? throw new AssertFailedException($"There is no job '{job}'.");
                if (reached(status))
                    return status;
                problem = status.ToString();
            }
            catch (IOException e)
            {
                // A silo was killed, or its database is away.
                problem = e.Message;
            }
            await Task.Delay(50);
        }
        throw new AssertFailedException($"Job '{job}' has not come so far: {problem}");
    }
}
