using System.Diagnostics;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Counts the rows of one pass over the data, which may have several cursors, and tells about it. Thread safe.</summary>
internal sealed class PassProgress(PassSettings settings, long? totalRows, int batchSize, int cursors)
{
    /// <summary>Time between two messages in the log.</summary>
    private static readonly TimeSpan s_logInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = new();
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
        lock (_gate)
        {
            _rows += rows;
            TimeSpan elapsed = _watch.Elapsed;
            if (elapsed - _logged >= s_logInterval)
            {
                _logged = elapsed;
                Log(channel);
            }
            settings.Progress?.Report(new FeaturizationProgress(_rows, totalRows, elapsed));
        }
    }

    /// <summary>A cursor came to its end or was disposed before; the last one logs the whole.</summary>
    public void Finish(IChannel? channel)
    {
        lock (_gate)
        {
            if (--_running > 0 || !_watch.IsRunning)
                return;
            _watch.Stop();
            Log(channel);
        }
    }

    private void Log(IChannel? channel)
    {
        double seconds = _watch.Elapsed.TotalSeconds;
        channel?.Info(MessageSensitivity.None, $"{settings.ModelName}: {_rows}{(totalRows is { } total ? $" of {total}" : "")} rows in {seconds:0.0} s, {_rows / Math.Max(seconds, 1e-9):0.0} rows/s, batches of {batchSize}.");
    }
}
