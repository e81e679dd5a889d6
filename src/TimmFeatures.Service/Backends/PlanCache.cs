namespace TimmFeatures.Service.Backends;

/// <summary>
/// The lanes that are loaded, within one budget of memory. Who is not there is loaded, one at a time; for it those go that were not asked for the longest, idle ones first. A lane that
/// has to go gets no new pictures, comes to the end of those that it has, and only then gives its memory back. Thread safe.
/// </summary>
internal sealed class PlanCache(long budget) : IDisposable
{
    private readonly object _gate = new();
    private readonly Dictionary<FeatureQuery, Entry> _entries = [];
    private readonly SemaphoreSlim _loading = new(1);
    private long _used;
    private long _clock;
    private bool _disposed;

    public long Budget => budget;

    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    public long UsedBytes
    {
        get
        {
            lock (_gate)
                return _used;
        }
    }

    /// <summary>A share of a lane, which is loaded if it is not there.</summary>
    /// <param name="query">Which one.</param>
    /// <param name="load">Makes it, and asks for the room that it takes before it uses it. Runs to its end even where nobody waits any more: the next one finds it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async ValueTask<LaneShare> GetAsync(FeatureQuery query, Func<FeatureQuery, Room, BatchLane> load, CancellationToken cancellation)
    {
        if (TryShare(query) is { } share)
            return share;
        await _loading.WaitAsync(cancellation);
        Task<LaneShare> loading = Task.Factory.StartNew(() =>
        {
            try
            {
                return TryShare(query) ?? Load(query, load);
            }
            finally
            {
                _loading.Release();
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return await loading.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            _ = loading.ContinueWith(static t => t.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Ends all lanes.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (FeatureQuery query in _entries.Keys.ToArray())
                Retire(query);
            Monitor.PulseAll(_gate);
        }
    }

    private LaneShare? TryShare(FeatureQuery query)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_entries.TryGetValue(query, out Entry? entry))
                return null;
            entry.Shares++;
            entry.LastUsed = ++_clock;
            return new LaneShare(this, entry);
        }
    }

    private LaneShare Load(FeatureQuery query, Func<FeatureQuery, Room, BatchLane> load)
    {
        var room = new Room(this, query);
        BatchLane? lane = null;
        try
        {
            lane = load(query, room);
            lane.Start();
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                var entry = new Entry(lane, room.Bytes) { Shares = 1, LastUsed = ++_clock };
                _entries.Add(query, entry);
                return new LaneShare(this, entry);
            }
        }
        catch
        {
            lane?.Dispose();
            room.GiveBack();
            throw;
        }
    }

    private void MakeRoom(FeatureQuery query, long bytes, ref long held)
    {
        lock (_gate)
        {
            if (bytes > budget)
            {
                throw new ServiceProblemException(422,
                    $"'{query.Model}' needs {Megabytes(bytes)} MB of memory for these features, and all models together may have {Megabytes(budget)} MB. Ask for fewer features, or have the service started with more (--memory).", "model");
            }
            while (_used - held + bytes > budget)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_entries.Count > 0)
                    Retire(_entries.MinBy(e => (e.Value.Shares > 0, e.Value.LastUsed)).Key);
                else
                    Monitor.Wait(_gate); // Those that have to go are still at work.
            }
            _used += bytes - held;
            held = bytes;
        }
    }

    private void Retire(FeatureQuery query)
    {
        if (!_entries.Remove(query, out Entry? entry))
            return;
        entry.IsRetired = true;
        if (entry.Shares == 0)
            Free(entry);
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Shares == 0 && entry.IsRetired)
                Free(entry);
        }
    }

    private void Free(Entry entry)
    {
        entry.Lane.Dispose();
        _used -= entry.Bytes;
        Monitor.PulseAll(_gate);
    }

    private static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;

    /// <summary>A lane, who uses it, and what it takes.</summary>
    internal sealed class Entry(BatchLane lane, long bytes)
    {
        public BatchLane Lane => lane;

        public long Bytes => bytes;

        public int Shares { get; set; }

        public long LastUsed { get; set; }

        public bool IsRetired { get; set; }
    }

    /// <summary>A lane that stays as long as somebody has a share of it.</summary>
    internal sealed class LaneShare(PlanCache cache, Entry entry) : IDisposable
    {
        private bool _released;

        public BatchLane Lane => entry.Lane;

        public void Dispose()
        {
            if (!_released)
                cache.Release(entry);
            _released = true;
        }
    }

    /// <summary>Memory for a lane that is being loaded.</summary>
    internal sealed class Room(PlanCache cache, FeatureQuery query)
    {
        private long _held;

        public long Bytes => _held;

        /// <summary>Makes sure that there is that much, what was there before included; others go for it.</summary>
        /// <exception cref="ServiceProblemException">422: that much there never is.</exception>
        public void Require(long bytes) => cache.MakeRoom(query, Math.Max(bytes, _held), ref _held);

        public void GiveBack()
        {
            lock (cache._gate)
            {
                cache._used -= _held;
                _held = 0;
                Monitor.PulseAll(cache._gate);
            }
        }
    }
}
