using System.Runtime.ExceptionServices;

namespace Backbones.Engines.Managed;

/// <summary>Lays weights out on other threads while the next steps of a plan are made, whose code .NET compiles on the way: in a new process both take a tenth of a second for ResNet-50.</summary>
internal sealed class Packing
{
    private readonly List<Part> _parts = [];
    private readonly object _gate = new();
    private Exception? _error;
    private int _unfinished;

    /// <summary>Packs parts 0 to <paramref name="parts"/> - 1, in any order, before <see cref="Wait"/> returns.</summary>
    public void For(int parts, Action<int> pack)
    {
        Interlocked.Add(ref _unfinished, parts);
        for (int i = 0; i < parts; i++)
        {
            var part = new Part(this, pack, i);
            _parts.Add(part);
            ThreadPool.UnsafeQueueUserWorkItem(part, preferLocal: false);
        }
    }

    /// <summary>Returns when all is packed, or nothing more is going to be: then with the first error, unless it is not wanted.</summary>
    public void Wait(bool ignoreErrors = false)
    {
        // What no thread has begun is packed here: where many plans are made at once, the pool's threads may all wait as this one does.
        foreach (Part part in _parts)
            part.Execute();
        _parts.Clear();
        lock (_gate)
        {
            while (Volatile.Read(ref _unfinished) > 0)
                Monitor.Wait(_gate);
        }
        if (Interlocked.Exchange(ref _error, null) is { } error && !ignoreErrors)
            ExceptionDispatchInfo.Throw(error);
    }

    private void Finish(Exception? error)
    {
        // Before it counts as finished, when nobody looks for it any more.
        if (error is not null)
            Interlocked.CompareExchange(ref _error, error, null);
        if (Interlocked.Decrement(ref _unfinished) > 0)
            return;
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    /// <summary>A part of the work; whoever comes first does it.</summary>
    private sealed class Part(Packing packing, Action<int> pack, int index) : IThreadPoolWorkItem
    {
        private int _isBegun;

        public void Execute()
        {
            if (Interlocked.Exchange(ref _isBegun, 1) != 0)
                return;
            Exception? error = null;
            try
            {
                pack(index);
            }
            catch (Exception e)
            {
                error = e;
            }
            packing.Finish(error);
        }
    }
}
