using System.Runtime.ExceptionServices;

namespace Backbones.Engines.Managed;

/// <summary>Work split into numbered pieces that may run in any order and at the same time.</summary>
internal interface IParallelWork
{
    /// <summary>Runs piece <paramref name="index"/>; no two pieces run with the same <paramref name="worker"/> (0 is the caller) at once.</summary>
    void Run(int index, int worker);
}

/// <summary>
/// Threads that share the pieces of one job at a time with the thread that posts it. Posting allocates nothing.
/// Pieces are taken one by one, so a thread that the system put aside delays at most one piece. Between jobs a worker spins
/// for a few microseconds (operators follow each other that closely) and then sleeps: cores are shared with others.
/// </summary>
internal sealed class WorkerPool
{
    private const int SpinsBeforeSleep = 200;
    private const int SpinsBeforeYield = 100;
    private const int MaxPieces = (1 << 30) - 1;

    private static readonly Lock s_poolsGate = new();
    private static readonly Dictionary<int, WorkerPool> s_pools = [];

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private IParallelWork? _work;
    private ExceptionDispatchInfo? _error;

    // Number of pieces (high half) and of pieces taken (low half) in one word: a piece is taken by one compare-and-swap,
    // and whoever took one knows that _work stays what it is until the piece is done.
    private long _ticket;
    private int _done;
    private int _asleep;

    private WorkerPool(int threads)
    {
        Threads = threads;
        for (int i = 1; i < threads; i++)
        {
            int worker = i;
            new Thread(() => Serve(worker)) { IsBackground = true, Name = $"Backbones worker {worker}" }.Start();
        }
    }

    /// <summary>Threads that work on a job, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>The pool of that many threads; made once and kept, as idle threads only sleep.</summary>
    public static WorkerPool Of(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        lock (s_poolsGate)
        {
            if (!s_pools.TryGetValue(threads, out WorkerPool? pool))
                s_pools[threads] = pool = new WorkerPool(threads);
            return pool;
        }
    }

    /// <summary>
    /// Runs all pieces and returns when the last is done. When another caller has the workers, this one does all its pieces itself.
    /// The first exception of a piece is rethrown after all pieces have ended.
    /// </summary>
    public void Run(IParallelWork work, int pieces)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pieces, MaxPieces);
        if (pieces > 1 && Threads > 1 && !_gate.IsHeldByCurrentThread && _gate.TryEnter())
        {
            try
            {
                Share(work, pieces);
            }
            finally
            {
                _gate.Exit();
            }
        }
        else
        {
            for (int i = 0; i < pieces; i++)
                work.Run(i, 0);
        }
    }

    private void Share(IParallelWork work, int pieces)
    {
        _work = work;
        _done = 0;
        Volatile.Write(ref _ticket, (long)pieces << 32);
        int asleep = Interlocked.Exchange(ref _asleep, 0);
        if (asleep > 0)
            _wake.Release(asleep);

        while (TryTake(out int index))
            RunPiece(index, 0);
        for (int spins = 0; Volatile.Read(ref _done) < pieces; spins++)
        {
            if (spins < SpinsBeforeYield)
                Thread.SpinWait(10);
            else
                Thread.Yield();
        }

        _work = null;
        if (_error is { } error)
        {
            _error = null;
            error.Throw();
        }
    }

    private bool TryTake(out int index)
    {
        long ticket = Volatile.Read(ref _ticket);
        while ((int)ticket < (int)(ticket >> 32))
        {
            long seen = Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket);
            if (seen == ticket)
            {
                index = (int)ticket;
                return true;
            }
            ticket = seen;
        }
        index = -1;
        return false;
    }

    private void RunPiece(int index, int worker)
    {
        try
        {
            _work!.Run(index, worker);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _error, ExceptionDispatchInfo.Capture(e), null);
        }
        finally
        {
            Interlocked.Increment(ref _done);
        }
    }

    private void Serve(int worker)
    {
        int spins = 0;
        while (true)
        {
            if (TryTake(out int index))
            {
                RunPiece(index, worker);
                spins = 0;
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

    private void Sleep()
    {
        Interlocked.Increment(ref _asleep);
        long ticket = Volatile.Read(ref _ticket);
        bool workCame = (int)ticket < (int)(ticket >> 32);

        // Whoever posts takes the whole count and releases that many; only a sleeper that nobody counted may leave without a wake-up.
        if (!workCame || !TryWithdraw())
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
