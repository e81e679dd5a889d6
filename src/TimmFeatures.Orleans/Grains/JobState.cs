namespace TimmFeatures.Orleans.Grains;

/// <summary>What is known of a job when all machines have been switched off: two bits a part, and little else. Which pictures are meant is in a file beside the parts.</summary>
[GenerateSerializer]
internal sealed class JobState
{
    [Id(0)]
    public NewJob? Job { get; set; }

    [Id(1)]
    public JobPhase Phase { get; set; }

    [Id(2)]
    public int Round { get; set; }

    /// <summary>A bit for each part that is done.</summary>
    [Id(3)]
    public byte[] Done { get; set; } = [];

    /// <summary>A bit for each part that has pictures without features.</summary>
    [Id(4)]
    public byte[] Incomplete { get; set; } = [];

    [Id(5)]
    public int PartsDone { get; set; }

    [Id(6)]
    public int PicturesDone { get; set; }

    [Id(7)]
    public int PicturesFailed { get; set; }

    /// <summary>The first pictures without features, by row.</summary>
    [Id(8)]
    public List<FailedPicture> FirstFailures { get; set; } = [];

    /// <summary>Parts that failed or were lost with their worker: how often, and why.</summary>
    [Id(9)]
    public Dictionary<int, FailedPart> Failures { get; set; } = [];

    /// <summary>Workers that cannot do the job, and why.</summary>
    [Id(10)]
    public Dictionary<string, string> Refusals { get; set; } = [];

    [Id(11)]
    public DateTime Submitted { get; set; }

    [Id(12)]
    public DateTime? Ended { get; set; }

    [Id(13)]
    public string? Error { get; set; }
}

/// <summary>A part that failed.</summary>
/// <param name="Attempts">How often.</param>
/// <param name="Error">The last reason.</param>
[GenerateSerializer]
internal sealed record FailedPart(int Attempts, string Error);
