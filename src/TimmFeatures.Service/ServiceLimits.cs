namespace TimmFeatures.Service;

/// <summary>What one request, and all of them together, may ask for.</summary>
public sealed record ServiceLimits
{
    /// <summary>Bytes of a request's body: 413 beyond.</summary>
    public int MaxBody { get; init; } = 32 << 20;

    /// <summary>Pixels of a picture, by its header and before it is decoded: 422 beyond.</summary>
    public long MaxPixels { get; init; } = 50_000_000;

    /// <summary>Pictures of a request: 413 beyond.</summary>
    public int MaxPictures { get; init; } = 64;

    /// <summary>Pictures that are under way, those of all requests: 429 beyond.</summary>
    public int Queue { get; init; } = 512;

    /// <summary>Values of an answer, all pictures and outputs together: 422 beyond. As numbers in JSON they take about 10 bytes each.</summary>
    public long MaxValues { get; init; } = 16 << 20;

    /// <summary>Bytes of the bodies that are held at once, those of all requests: 429 beyond. Memory grows by doubling, so that it is room for four of the largest at least.</summary>
    public long MaxBodies => 8L * MaxBody;

    /// <summary>A body that comes in slower is given up: 408.</summary>
    public double MinBytesPerSecond { get; init; } = 240;

    /// <summary>What a body has time for before <see cref="MinBytesPerSecond"/> counts; over one second, the server's own clock.</summary>
    public TimeSpan BodyGrace { get; init; } = TimeSpan.FromSeconds(5);
}
