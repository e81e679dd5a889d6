using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TimmFeatures.Orleans;

/// <summary>What a worker tells of itself, for OpenTelemetry and whatever else listens: the meter and the source of traces <c>TimmFeatures.Orleans</c>.</summary>
public static class ClusterMeter
{
    /// <summary>Name of the meter and of the source of traces.</summary>
    public const string Name = "TimmFeatures.Orleans";

    private static readonly Meter s_meter = new(Name);
    private static readonly ConcurrentDictionary<string, int> s_waiting = [];

    internal static ActivitySource Traces { get; } = new(Name);

    /// <summary>Pictures that were computed.</summary>
    internal static Counter<long> Images { get; } = s_meter.CreateCounter<long>("timm_features.images", "{image}", "Pictures that were computed.");

    /// <summary>Those of them without features.</summary>
    internal static Counter<long> FailedImages { get; } = s_meter.CreateCounter<long>("timm_features.images.failed", "{image}", "Pictures that could not be read.");

    /// <summary>Bytes of the files that were written.</summary>
    internal static Counter<long> Bytes { get; } = s_meter.CreateCounter<long>("timm_features.written", "By", "Bytes of the files of features that were written.");

    /// <summary>Seconds by stage: lease, open, compute, write, publish, merge.</summary>
    internal static Histogram<double> Stage { get; } = s_meter.CreateHistogram<double>("timm_features.stage", "s", "Time of one stage of a part.");

    static ClusterMeter() => s_meter.CreateObservableGauge("timm_features.queue", () => s_waiting.Select(w => new Measurement<int>(w.Value, new KeyValuePair<string, object?>("job", w.Key))),
        "{part}", "Parts of jobs on this silo that nobody is at.");

    internal static void SetWaiting(string job, int parts) => s_waiting[job] = parts;

    internal static void Forget(string job) => s_waiting.TryRemove(job, out _);

    /// <summary>Tells of the time since <paramref name="start"/>, a <see cref="Stopwatch"/>'s time stamp.</summary>
    internal static void Record(string stage, long start) => Record(stage, Stopwatch.GetElapsedTime(start));

    internal static void Record(string stage, TimeSpan time) => Stage.Record(time.TotalSeconds, new KeyValuePair<string, object?>("stage", stage));
}
