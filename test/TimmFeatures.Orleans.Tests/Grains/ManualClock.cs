namespace TimmFeatures.Orleans.Tests.Grains;

/// <summary>A clock that goes when it is told to; its monotonic time and its time of day are each set alone.</summary>
internal sealed class ManualClock : TimeProvider
{
    private TimeSpan _elapsed;

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _elapsed.Ticks;

    public override DateTimeOffset GetUtcNow() => Now;

    public void Pass(double seconds) => _elapsed += TimeSpan.FromSeconds(seconds);
}
