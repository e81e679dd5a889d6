using System.Diagnostics;

namespace Backbones.Detection;

/// <summary>Where set in a workspace, gets the time of each part of a run: for measurements.</summary>
internal sealed class PartClock
{
    private readonly Dictionary<string, double> _milliseconds = [];
    private long _last;

    /// <summary>Milliseconds of each part of the last run.</summary>
    public IReadOnlyDictionary<string, double> Milliseconds => _milliseconds;

    public void Start()
    {
        _milliseconds.Clear();
        _last = Stopwatch.GetTimestamp();
    }

    /// <summary>Ends a part.</summary>
    public void Lap(string part)
    {
        long now = Stopwatch.GetTimestamp();
        _milliseconds[part] = _milliseconds.GetValueOrDefault(part) + Stopwatch.GetElapsedTime(_last, now).TotalMilliseconds;
        _last = now;
    }
}
