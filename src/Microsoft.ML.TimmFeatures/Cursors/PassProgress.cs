using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>
/// Counts the rows of one pass over the data, which may have several cursors, and tells about it. Whoever is told may take long, or ask cursors of the pass: nothing is
/// held meanwhile, and what the other cursors have to tell then waits its turn without them. Thread safe.
/// </summary>
internal sealed class PassProgress(PassSettings settings, long? totalRows, int batchSize, int cursors)
{
    /// <summary>Time between two messages in the log.</summary>
    private static readonly TimeSpan s_logInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = new();
    private readonly Queue<FeaturizationProgress> _reports = new();
    private bool _isReporting;
    private TimeSpan _logged;
    private long _rows;
    private int _running = cursors;

    /// <summary>Called when a cursor is moved first: time before that does not count.</summary>
    public void Start()
    {
        lock (_gate)
            _watch.Start();
    }

    /// <summary>Rows were computed.</summary>
    public void Add(int rows, IChannel? channel)
    {
        string? line = null;
        lock (_gate)
        {
            _rows += rows;
            TimeSpan elapsed = _watch.Elapsed;
            if (elapsed - _logged >= s_logInterval)
            {
                _logged = elapsed;
                line = Line();
            }
            if (settings.Progress is not null)
                _reports.Enqueue(new FeaturizationProgress(_rows, totalRows, elapsed));
        }
        Log(channel, line);
        Report();
    }

    /// <summary>A cursor came to its end or was disposed before; the last one logs the whole.</summary>
    public void Finish(IChannel? channel)
    {
        string line;
        lock (_gate)
        {
            if (--_running > 0 || !_watch.IsRunning)
                return;
            _watch.Stop();
            line = Line();
        }
        Log(channel, line);
    }

    /// <summary>Reports what there is in its order, one at a time, unless somebody is at it.</summary>
    private void Report()
    {
        bool isMine = false;
        try
        {
            while (Next(ref isMine) is { } report)
                settings.Progress!.Report(report);
        }
        finally
        {
            if (isMine)
            {
                // The callback threw: the next report is somebody else's.
                lock (_gate)
                    _isReporting = false;
            }
        }
    }

    /// <summary>The next report for whoever reports; null where somebody else does, or there is none.</summary>
    private FeaturizationProgress? Next(ref bool isMine)
    {
        lock (_gate)
        {
            if (_isReporting && !isMine)
                return null;
            _isReporting = isMine = _reports.TryDequeue(out FeaturizationProgress? report);
            return report;
        }
    }

    private string Line()
    {
        double seconds = _watch.Elapsed.TotalSeconds;
        return string.Create(CultureInfo.InvariantCulture,
            $"{settings.ModelName}: {_rows}{(totalRows is { } total ? $" of {total}" : "")} rows in {seconds:0.0} s, {_rows / Math.Max(seconds, 1e-9):0.0} rows/s, batches of {batchSize}.");
    }

    private static void Log(IChannel? channel, string? line)
    {
        if (line is not null)
            channel?.Info(MessageSensitivity.None, line);
    }
}
