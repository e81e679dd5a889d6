using System.Globalization;

namespace TimmFeatures.Extraction;

/// <summary>One of several machines' parts of the images: as many images as the others' or one more, in one piece.</summary>
/// <param name="Index">Number of the part, from 0.</param>
/// <param name="Count">Number of parts.</param>
internal sealed record Shard(int Index, int Count)
{
    private const string Automatic = "auto";

    /// <summary>The part's first image, and the one after its last.</summary>
    public (int First, int End) RangeOf(int images) => ((int)((long)images * Index / Count), (int)((long)images * (Index + 1) / Count));

    /// <summary>As journals of other versions have it.</summary>
    public override string ToString() => $"{nameof(Shard)} {{ {nameof(Index)} = {Index}, {nameof(Count)} = {Count} }}";

    /// <summary>The part's own file: <c>out-00000-of-00004.parquet</c>.</summary>
    public string FileOf(string output)
    {
        string extension = Path.GetExtension(output);
        return $"{output[..^extension.Length]}-{Index:00000}-of-{Count:00000}{extension}";
    }

    /// <summary>What <c>--shard</c> says: <c>i/n</c>, or <c>auto</c> for what the scheduler says.</summary>
    /// <param name="text">The option's value.</param>
    /// <param name="variable">Environment variables by name.</param>
    /// <exception cref="UsageException">It says neither, or the scheduler says nothing that makes sense.</exception>
    public static Shard Parse(string text, Func<string, string?> variable)
    {
        if (text == Automatic)
            return FromScheduler(variable);
        string[] parts = text.Split('/');
        return parts.Length == 2 && Number(parts[0]) is { } index && Number(parts[1]) is { } count && index < count ? new Shard(index, count)
            : throw new UsageException($"--shard '{text}' is no part; expected i/n with i from 0 to n - 1, such as 0/4, or '{Automatic}' in a job array.");
    }

    private static Shard FromScheduler(Func<string, string?> variable)
    {
        if (variable("SLURM_ARRAY_TASK_ID") is { Length: > 0 } task)
            return FromSlurm(task, variable);
        if (variable("JOB_COMPLETION_INDEX") is { Length: > 0 } completion)
            return Of("JOB_COMPLETION_INDEX", completion, "JOB_COMPLETIONS", variable("JOB_COMPLETIONS"), "give it the Job's 'completions' in the manifest");
        if (variable("AWS_BATCH_JOB_ARRAY_INDEX") is { Length: > 0 } index)
            return Of("AWS_BATCH_JOB_ARRAY_INDEX", index, "AWS_BATCH_JOB_ARRAY_SIZE", variable("AWS_BATCH_JOB_ARRAY_SIZE"), "give it the array's size in the job definition");
        throw new UsageException("--shard auto is for job arrays, and the environment has none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX and AWS_BATCH_JOB_ARRAY_INDEX; expected i/n, such as 0/4.");
    }

    /// <summary>Arrays of Slurm may begin at any number and go in steps; the tasks of one that was submitted anew for a part of them would divide the images in another way.</summary>
    private static Shard FromSlurm(string task, Func<string, string?> variable)
    {
        const string ArrayOfAll = "Submit the array as 0-(n-1) or 1-n, requeue a failed task (scontrol requeue) instead of submitting its number alone, or give --shard i/n.";
        int first = Number(variable("SLURM_ARRAY_TASK_MIN")) ?? 0, step = Number(variable("SLURM_ARRAY_TASK_STEP")) ?? 1;
        if (Number(task) is not { } id || Number(variable("SLURM_ARRAY_TASK_COUNT")) is not { } count)
            throw new UsageException($"SLURM_ARRAY_TASK_ID is '{task}' and SLURM_ARRAY_TASK_COUNT '{variable("SLURM_ARRAY_TASK_COUNT")}'; expected two numbers. {ArrayOfAll}");
        if (first > 1 || step != 1 || id - first >= count || id < first)
            throw new UsageException($"The job array has {count} tasks from {first} on in steps of {step}, this one is {id}: that is a part of an array, not all of one. {ArrayOfAll}");
        return new Shard(id - first, count);
    }

    private static Shard Of(string indexName, string index, string countName, string? count, string remedy) => Number(index) is { } i && Number(count) is { } n && i < n ? new Shard(i, n)
        : throw new UsageException($"{indexName} is '{index}' and {countName} '{count}'; expected a number, and one above it: {remedy}.");

    private static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
