using System.Diagnostics;

namespace Backbones.Engines.Managed;

/// <summary>Work split into numbered pieces that may run in any order and at the same time.</summary>
internal interface IParallelWork
{
    /// <summary>Runs piece <paramref name="index"/>; no two pieces run with the same <paramref name="worker"/> (0 is the caller) at once.</summary>
    void Run(int index, int worker);
}

/// <summary>
/// Threads that help every thread that posts a job with its pieces. Posting allocates nothing. Pieces are taken one by one, each from the
/// job that has the fewest helpers then, so callers at the same time get equal shares, and a thread that the system put aside delays at
/// most one piece. Who finds nothing to do spins for a few microseconds (operators follow each other that closely) and then sleeps: cores
/// are shared with others.
/// </summary>
/// <remarks>
/// Beside a busy process the system takes a processor away from a thread for some milliseconds at a time, and in the middle of a piece all others wait with it. So a worker gives way of its own accord,
/// between two pieces and often enough that its turn is seldom ended for it. And threads that wait for each other by turns look to the system like little more than one: it leaves them on one processor
/// and the other process alone on the next. No system-independent call moves a thread, but a new one begins where least is to do: a worker that finds itself on the caller's processor starts one in its place.
/// </remarks>
internal sealed class WorkerPool
{
    private const int SpinsBeforeSleep = 200;

    /// <summary>How long a worker works before it gives way: less than the time slices of systems, which end at a tick every 4 ms on many.</summary>
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(1.5);

    /// <summary>How long a worker's thread stays before another may take its place: starting one takes a tenth of a millisecond.</summary>
    private static readonly TimeSpan s_stay = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a worker sleeps first: a thread that has waited for half of that is one to be moved (on Linux).</summary>
    private static readonly TimeSpan s_nap = TimeSpan.FromMilliseconds(1);

    private static readonly Lock s_poolsGate = new();
    private static readonly Dictionary<int, WorkerPool> s_pools = [];

    private readonly SemaphoreSlim _wake = new(0);
    private readonly Job[] _jobs;
    private readonly TimeSpan _turn;
    private readonly TimeSpan _stay;
    private readonly Func<int> _processor;
    private int _asleep;

    /// <param name="threads">Threads that work on a job, the caller's included.</param>
    /// <param name="turn">How long a worker works before it gives way.</param>
    /// <param name="stay">How long a worker's thread stays before another may take its place.</param>
    /// <param name="processor">The processor that the calling thread runs on.</param>
    internal WorkerPool(int threads, TimeSpan turn, TimeSpan stay, Func<int> processor)
    {
        (Threads, _turn, _stay, _processor) = (threads, turn, stay, processor);
        // More callers than twice the threads have no use for helpers.
        _jobs = [.. Enumerable.Range(0, 2 * threads).Select(_ => new Job(threads))];
        for (int worker = 1; worker < threads; worker++)
            Start(worker);
    }

    /// <summary>Threads that work on a job when it is the only one, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>The pool of that many threads; made once and kept, as idle threads only sleep.</summary>
    public static WorkerPool Of(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        lock (s_poolsGate)
        {
            if (!s_pools.TryGetValue(threads, out WorkerPool? pool))
                s_pools[threads] = pool = new WorkerPool(threads, s_turn, threads <= Environment.ProcessorCount ? s_stay : TimeSpan.MaxValue, Thread.GetCurrentProcessorId);
            return pool;
        }
    }

    /// <summary>
    /// Runs all pieces and returns when the last is done. The first exception of a piece is rethrown after all pieces have ended.
    /// </summary>
    public void Run(IParallelWork work, int pieces)
    {
        if (pieces > 1 && Threads > 1 && TryOpen() is { } job)
        {
            try
            {
                job.Post(work, pieces, _processor());
                Wake(pieces - 1);
                while (job.TryRunPiece(0))
                {
                }
                job.Wait();
            }
            finally
            {
                job.Close();
            }
        }
        else
        {
            for (int i = 0; i < pieces; i++)
                work.Run(i, 0);
        }
    }

    private Job? TryOpen()
    {
        foreach (Job job in _jobs)
        {
            if (job.TryOpen())
                return job;
        }
        return null;
    }

    private void Start(int worker) => new Thread(() => Serve(worker)) { IsBackground = true, Name = $"Backbones worker {worker}" }.Start();

    private void Serve(int worker)
    {
        int spins = 0, start = worker;
        long placed = Stopwatch.GetTimestamp(), turn = placed;
        while (true)
        {
            if (TryHelp(worker, start++) is { } job)
            {
                spins = 0;
                long now = Stopwatch.GetTimestamp();
                if (_processor() == job.Processor && Stopwatch.GetElapsedTime(placed, now) >= _stay)
                {
                    if (TryReplace(worker))
                        return;
                    placed = now;
                }
                if (Stopwatch.GetElapsedTime(turn, now) >= _turn)
                {
                    Thread.Yield();
                    turn = Stopwatch.GetTimestamp();
                }
            }
            else if (spins++ < SpinsBeforeSleep)
            {
                Thread.SpinWait(10);
            }
            else
            {
                Sleep();
                spins = 0;
            }
        }
    }

    /// <summary>Starts another thread as <paramref name="worker"/>; false where the system has none to give.</summary>
    private bool TryReplace(int worker)
    {
        try
        {
            Start(worker);
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    /// <summary>Runs a piece of the job with the fewest helpers and returns the job, if there is one; among equal ones the search begins at another each time.</summary>
    private Job? TryHelp(int worker, int start)
    {
        while (true)
        {
            Job? best = null;
            int fewest = int.MaxValue;
            for (int i = 0; i < _jobs.Length; i++)
            {
                Job job = _jobs[(int)((uint)(start + i) % (uint)_jobs.Length)];
                if (job.HasPieces && job.Helpers is var helpers && helpers < fewest)
                    (best, fewest) = (job, helpers);
            }
            if (best is null)
                return null;
            // Another worker may have come to the same conclusion: only one becomes this job's next helper.
            if (!best.TryJoin(fewest))
                continue;
            bool ran = best.TryRunPiece(worker);
            best.Leave();
            if (ran)
                return best;
        }
    }

    private void Wake(int most)
    {
        int asleep = Volatile.Read(ref _asleep);
        while (asleep > 0)
        {
            int count = Math.Min(asleep, most), seen = Interlocked.CompareExchange(ref _asleep, asleep - count, asleep);
            if (seen == asleep)
            {
                _wake.Release(count);
                return;
            }
            asleep = seen;
        }
    }

    private void Sleep()
    {
        // Counted first: who posts after this sees a sleeper, and what was posted before is seen here.
        Interlocked.Increment(ref _asleep);
        bool workCame = Array.Exists(_jobs, job => job.HasPieces);

        // Whoever posts takes sleepers from the count and releases that many; only one that nobody took may leave without a wake-up.
        if (workCame && TryWithdraw())
            return;
        // Going to sleep makes the system look for a thread to move here, but not for one that ran a moment ago, as the caller may have: so once more, a little later.
        if (!_wake.Wait(s_nap))
            _wake.Wait();
    }

    private bool TryWithdraw()
    {
        int asleep = Volatile.Read(ref _asleep);
        while (asleep > 0)
        {
            int seen = Interlocked.CompareExchange(ref _asleep, asleep - 1, asleep);
            if (seen == asleep)
                return true;
            asleep = seen;
        }
        return false;
    }
}
