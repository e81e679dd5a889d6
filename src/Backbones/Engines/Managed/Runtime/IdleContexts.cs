namespace Backbones.Engines.Managed;

/// <summary>
/// The contexts of runs that have ended, for later ones. One is kept; the others, which only runs at the same time need, stay until the
/// garbage collector next looks at them: memory does not remain at its peak. Not thread safe.
/// </summary>
internal sealed class IdleContexts
{
    private readonly List<WeakReference<RunContext>> _others = [];
    private RunContext? _kept;

    /// <summary>Contexts that still have their memory.</summary>
    public int Count => (_kept is null ? 0 : 1) + _others.Count(o => o.TryGetTarget(out _));

    /// <summary>A context for that many items, or null; smaller ones on the way are freed.</summary>
    public RunContext? Take(int batch)
    {
        while (TakeAny() is { } context)
        {
            if (context.Capacity >= batch)
                return context;
            context.Dispose();
        }
        return null;
    }

    public void Add(RunContext context)
    {
        _others.RemoveAll(static o => !o.TryGetTarget(out _));
        if (_kept is null)
            _kept = context;
        else
            _others.Add(context.Weak);
    }

    public void Free()
    {
        while (TakeAny() is { } context)
            context.Dispose();
    }

    private RunContext? TakeAny()
    {
        if (_kept is { } kept)
        {
            _kept = null;
            return kept;
        }
        while (_others.Count > 0)
        {
            WeakReference<RunContext> last = _others[^1];
            _others.RemoveAt(_others.Count - 1);
            if (last.TryGetTarget(out RunContext? context))
                return context;
        }
        return null;
    }
}
