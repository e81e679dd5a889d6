namespace TimmFeatures.Cli.Serving;

/// <summary>
/// Features of one picture on whichever worker. A client's calls to one key all go by the same worker, which does them itself: other keys reach other workers. It is the one place where pictures are messages, and they are small
/// (<see cref="PictureLimits"/>): a service waits for each, and a file in between would take longer than the network.
/// </summary>
internal interface IPictureGrain : IGrainWithIntegerKey
{
    /// <summary>What a query comes to.</summary>
    Task<LayoutAnswer> Open(PictureQuery query, CancellationToken cancellation);

    /// <summary>Features of a picture.</summary>
    Task<PictureAnswer> Compute(PictureQuery query, byte[] picture, CancellationToken cancellation);
}

/// <summary>What is asked for.</summary>
/// <param name="Setup">The service's <see cref="ServingSetup"/> as JSON.</param>
/// <param name="Model">The name that the model is served under.</param>
/// <param name="Selection">Which features, as JSON.</param>
[GenerateSerializer]
internal sealed record PictureQuery(string Setup, string Model, string Selection);

/// <summary>What a client of the service gets in place of an answer.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Message">A sentence.</param>
/// <param name="Cause">What it is about.</param>
[GenerateSerializer]
internal sealed record PictureProblem(int Status, string Message, string? Cause);

/// <summary>Outputs as JSON, or why there are none.</summary>
[GenerateSerializer]
internal sealed record LayoutAnswer(string? Outputs, PictureProblem? Problem);

/// <summary>Values, or why there are none.</summary>
[GenerateSerializer]
internal sealed record PictureAnswer(float[]? Values, PictureProblem? Problem);

/// <summary>How large messages may be. Orleans refuses those of 100 MiB in words that say nothing of size.</summary>
internal static class PictureLimits
{
    /// <summary>Bytes of a picture's file.</summary>
    public const int MaxPicture = 8 << 20;

    /// <summary>Bytes of a picture's features.</summary>
    public const int MaxFeatures = 64 << 20;
}
