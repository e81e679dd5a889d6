using System.Runtime.ExceptionServices;

namespace Backbones.Engines.Managed;

/// <summary>A place in a pool for the work of one caller at a time: what is to be done, how much of it has been taken, and who helps.</summary>
/// <remarks>
/// Every worker has a range of the pieces of its own, the same part of the whole for every job: rows that one step of a network wrote are read by the next step's piece of the same place, and then lie in
/// the second-level cache of the core that wrote them. Who has finished its range takes from the ends of the others'.
/// </remarks>
internal sealed class Job(int threads)
{
    private const int MaxPieces = (1 << 30) - 1;

    /// <summary>Longs from one range to the next: each has two cache lines, as they are fetched in pairs.</summary>
    private const int RangeDistance = 16;
    private const int SpinsBeforeYield = 100;
    private const int YieldsBeforeBlocking = 50;

    private readonly SemaphoreSlim _finished = new(0);
    private IParallelWork? _work;
    private ExceptionDispatchInfo? _error;

    // For each range its end (high half) and its first piece not taken (low half) in one word: a piece is taken by one compare-and-swap,
    // and whoever took one knows that _work stays what it is until the piece is done.
    private readonly long[] _ranges = new long[(threads + 1) * RangeDistance];
    private int _left;
    private int _pieces;
    private int _done;
    private int _helpers;
    private int _isOpen;
    private int _isBlocked;

    /// <summary>Whether there are pieces that nobody has taken.</summary>
    public bool HasPieces => Volatile.Read(ref _left) > 0;

    /// <summary>The processor that the caller posted from.</summary>
    public int Processor { get; private set; }

    /// <summary>Workers at it, the caller not counted.</summary>
    public int Helpers => Volatile.Read(ref _helpers);

    /// <summary>Takes the place for a caller, if it is free.</summary>
    public bool TryOpen() => Volatile.Read(ref _isOpen) == 0 && Interlocked.CompareExchange(ref _isOpen, 1, 0) == 0;

    /// <summary>Gives the place back.</summary>
    public void Close() => Volatile.Write(ref _isOpen, 0);

    /// <summary>Lets workers see the pieces.</summary>
    public void Post(IParallelWork work, int pieces, int processor)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pieces, MaxPieces);
        (Processor, _work, _pieces, _done, _left) = (processor, work, pieces, 0, pieces);
        for (int worker = 0; worker < threads; worker++)
            Volatile.Write(ref Range(worker), (long)pieces * (worker + 1) / threads << 32 | (long)pieces * worker / threads);
        // Workers who went to sleep before are seen after.
        Interlocked.MemoryBarrier();
    }

    /// <summary>Becomes a helper, if there are still as many as <paramref name="helpers"/>.</summary>
    public bool TryJoin(int helpers) => Interlocked.CompareExchange(ref _helpers, helpers + 1, helpers) == helpers;

    public void Leave() => Interlocked.Decrement(ref _helpers);

    /// <summary>Takes a piece and runs it; false where none is left.</summary>
    public bool TryRunPiece(int worker)
    {
        if (!TryTake(worker, out int index))
            return false;
        Interlocked.Decrement(ref _left);
        int pieces = _pieces;
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
            // The caller may have gone on, and posted again, as soon as the last piece is counted: at worst it is woken in vain.
            if (Interlocked.Increment(ref _done) == pieces && Interlocked.Exchange(ref _isBlocked, 0) == 1)
                _finished.Release();
        }
        return true;
    }

    /// <summary>Returns when all pieces are done: spins as long as a last piece usually takes, then sleeps. Rethrows the first exception of a piece.</summary>
    public void Wait()
    {
        for (int i = 0; i < SpinsBeforeYield + YieldsBeforeBlocking && Volatile.Read(ref _done) < _pieces; i++)
        {
            if (i < SpinsBeforeYield)
                Thread.SpinWait(10);
            else
                Thread.Yield();
        }
        while (Volatile.Read(ref _done) < _pieces)
        {
            Interlocked.Exchange(ref _isBlocked, 1);
            // Whoever takes the mark back decides: the one who finishes then wakes this thread, otherwise nobody will.
            if (Volatile.Read(ref _done) < _pieces || Interlocked.Exchange(ref _isBlocked, 0) == 0)
                _finished.Wait();
        }
        _work = null;
        if (_error is { } error)
        {
            _error = null;
            error.Throw();
        }
    }

    private ref long Range(int worker) => ref _ranges[(worker + 1) * RangeDistance];

    /// <summary>The next piece of a worker's own range, or the last of another's.</summary>
    private bool TryTake(int worker, out int index)
    {
        for (int i = 0; i < threads; i++)
        {
            int owner = worker + i < threads ? worker + i : worker + i - threads;
            ref long range = ref Range(owner);
            long seen = Volatile.Read(ref range);
            while ((int)seen < (int)(seen >> 32))
            {
                long before = Interlocked.CompareExchange(ref range, i == 0 ? seen + 1 : seen - (1L << 32), seen);
                if (before == seen)
                {
                    index = i == 0 ? (int)seen : (int)(seen >> 32) - 1;
                    return true;
                }
                seen = before;
            }
        }
        index = -1;
        return false;
    }
}
