namespace Microsoft.ML.Runtime;

/// <summary>Opens channels that report progress.</summary>
public interface IProgressChannelProvider
{
    /// <summary>Opens a channel for a calculation, part of the one whose channel opens it.</summary>
    IProgressChannel StartProgressChannel(string name);
}

/// <summary>Reports the progress of a calculation, which ends when it is disposed.</summary>
public interface IProgressChannel : IProgressChannelProvider, IDisposable
{
    /// <summary>Says what is counted and measured, and how to ask for it at any time.</summary>
    void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction);

    /// <summary>Notes values now: metrics first, then units, each unit with its limit where it has one.</summary>
    void Checkpoint(params double?[] values);
}

/// <summary>What a calculation counts and measures.</summary>
public sealed class ProgressHeader
{
    /// <summary>Units of progress, from the coarsest to the finest.</summary>
    public readonly IReadOnlyList<string> UnitNames;

    /// <summary>Metrics.</summary>
    public readonly IReadOnlyList<string> MetricNames;

    /// <summary>Creates a header.</summary>
    public ProgressHeader(string[] metricNames, string[] unitNames)
    {
        MetricNames = metricNames ?? [];
        UnitNames = unitNames ?? [];
    }

    /// <summary>Creates a header without metrics.</summary>
    public ProgressHeader(params string[] unitNames) : this(null, unitNames)
    {
    }
}

/// <summary>Where a calculation writes how far it is.</summary>
public interface IProgressEntry
{
    /// <summary>Sets a unit's progress.</summary>
    void SetProgress(int index, double value);

    /// <summary>Sets a unit's progress and its end.</summary>
    void SetProgress(int index, double value, double lim);

    /// <summary>Sets a metric.</summary>
    void SetMetric(int index, double value);
}
