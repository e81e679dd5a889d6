namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>Makes what is asked for once, and hands it out to everybody who asks while somebody still uses it. Thread safe.</summary>
/// <param name="ownerName">Who holds a lease, for the message when it was disposed.</param>
internal sealed class SharedCache<TKey, T>(string ownerName) where TKey : notnull where T : class, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Entry> _entries = [];

    /// <summary>A share of the value for a key: one that is in use, or a new one. Only those who ask for the same key wait for each other.</summary>
    public Lease<T> Get(TKey key, Func<T> create)
    {
        Entry? entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out entry))
                _entries.Add(key, entry = new Entry(key));
            entry.Users++;
        }
        try
        {
            return new Lease<T>(entry.GetOrCreate(create), ownerName, () => Release(entry));
        }
        catch
        {
            Release(entry);
            throw;
        }
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Users > 0)
                return;
            _entries.Remove(entry.Key);
        }
        entry.Dispose();
    }

    private sealed class Entry(TKey key)
    {
        private readonly Lock _creation = new();
        private T? _value;

        public TKey Key => key;

        /// <summary>How many use it or wait for it; guarded by the cache's gate.</summary>
        public int Users { get; set; }

        public T GetOrCreate(Func<T> create)
        {
            lock (_creation)
                return _value ??= create();
        }

        public void Dispose() => _value?.Dispose();
    }
}

/// <summary>One user's share of a value. The last share's end disposes the value, by <see cref="Dispose"/> or when nobody can reach the share any more. Thread safe.</summary>
internal sealed class Lease<T> : IDisposable where T : class
{
    private readonly T _value;
    private readonly string _ownerName;
    private Action? _release;

    public Lease(T value, string ownerName, Action release)
    {
        _value = value;
        _ownerName = ownerName;
        _release = release;
    }

    ~Lease() => Interlocked.Exchange(ref _release, null)?.Invoke();

    public bool IsDisposed => Volatile.Read(ref _release) is null;

    /// <exception cref="ObjectDisposedException">The share was given back.</exception>
    public T Value => IsDisposed ? throw Disposed() : _value;

    public ObjectDisposedException Disposed()
        => new(_ownerName, $"The {_ownerName} was disposed, and with it what was made from it: views, cursors, prediction engines. Dispose it when these are done.");

    public void Dispose()
    {
        Interlocked.Exchange(ref _release, null)?.Invoke();
        GC.SuppressFinalize(this);
    }
}
