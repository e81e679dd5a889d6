using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.TimmFeatures.Sessions;

/// <summary>Makes what is asked for once, and hands it out to everybody who asks while somebody still uses it. Thread safe.</summary>
internal sealed class SharedCache<TKey, T> where TKey : notnull where T : class, IDisposable
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
            return new Lease<T>(entry.GetOrCreate(create), () => Add(entry), () => Release(entry));
        }
        catch
        {
            Release(entry);
            throw;
        }
    }

    private void Add(Entry entry)
    {
        lock (_gate)
            entry.Users++;
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
    private readonly Lock _gate = new();
    private readonly T _value;
    private readonly Action _add;
    private Action? _release;

    /// <param name="value">What is shared.</param>
    /// <param name="add">Counts one user more.</param>
    /// <param name="release">Counts one user less.</param>
    public Lease(T value, Action add, Action release)
    {
        _value = value;
        _add = add;
        _release = release;
    }

    ~Lease() => Release();

    /// <exception cref="ObjectDisposedException">The share was given back.</exception>
    public T Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _release) is null, this);
            return _value;
        }
    }

    /// <summary>A share for another user, if this one was not given back.</summary>
    public bool TryShare([NotNullWhen(true)] out Lease<T>? share)
    {
        lock (_gate)
        {
            share = null;
            if (_release is null)
                return false;
            _add();
            share = new Lease<T>(_value, _add, _release);
            return true;
        }
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        Action? release;
        lock (_gate)
            (release, _release) = (_release, null);
        release?.Invoke();
    }
}
