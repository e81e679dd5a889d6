using System.Diagnostics;

namespace TimmFeatures.Service.Backends;

/// <summary>A picture that somebody waits for.</summary>
internal sealed class PendingPicture(CancellationToken cancellation)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<PictureFeatures> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RunningBatch? _run;

    /// <summary>What to compute; null before it is decoded, and when the lane has taken it.</summary>
    public float[]? Input { get; set; }

    /// <summary>When it was ready, as a timestamp of <see cref="Stopwatch"/>.</summary>
    public long Queued { get; set; }

    /// <summary>The request's trace.</summary>
    public ActivityContext Request { get; } = Activity.Current?.Context ?? default;

    public Task<PictureFeatures> Result => _result.Task;

    public bool IsCancelled => cancellation.IsCancellationRequested;

    /// <summary>It is computed now, with others.</summary>
    public void Join(RunningBatch run)
    {
        lock (_gate)
        {
            _run = run;
            if (_result.Task.IsCompleted)
                run.Leave();
        }
    }

    /// <summary>Nobody waits for it any more.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            if (_result.TrySetCanceled(cancellation))
                _run?.Leave();
        }
    }

    /// <summary>False where nobody waits.</summary>
    public bool Succeed(PictureFeatures features) => _result.TrySetResult(features);

    public void Fail(Exception e) => _result.TrySetException(e);
}

/// <summary>Pictures that are computed together: when all of them have left, the computing ends.</summary>
internal sealed class RunningBatch(int pictures)
{
    // Never disposed: a picture may leave when the batch is over, and without a timer there is nothing to free.
    private readonly CancellationTokenSource _stop = new();
    private int _left = pictures;

    public CancellationToken Cancellation => _stop.Token;

    public void Leave()
    {
        if (Interlocked.Decrement(ref _left) == 0)
            _stop.Cancel();
    }
}
