using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The root of the environments of one <see cref="MLContext"/>, and (as <see cref="Host"/>) those of its components.</summary>
internal class LocalEnvironment : MessageSource, IHostEnvironmentInternal, ICancelable
{
    private readonly LocalEnvironment _parent;
    private readonly Random _rand;
    private readonly MessageListeners _listeners;
    private readonly Dictionary<string, object> _options = [];
    private readonly Lock _lock = new();
    private volatile bool _isCanceled;

    public LocalEnvironment(int? seed = null) : base(null, null)
    {
        Seed = seed;
        _rand = RandomUtils.Create(seed);
        _listeners = new MessageListeners();
        ComponentCatalog = new ComponentCatalog();
        TempFilePath = Path.GetTempPath();
    }

    private LocalEnvironment(LocalEnvironment parent, string name, Random rand) : base(name, parent._parent?.FullName)
    {
        _parent = parent;
        _rand = rand;
        _listeners = parent._listeners;
        Seed = parent.Seed;
        ComponentCatalog = parent.ComponentCatalog;
        TempFilePath = parent.TempFilePath;
        GpuDeviceId = parent.GpuDeviceId;
        FallbackToCpu = parent.FallbackToCpu;
    }

    public ComponentCatalog ComponentCatalog { get; }

    public int? Seed { get; }

    public string TempFilePath { get; set; }

    public bool FallbackToCpu { get; set; }

    public int? GpuDeviceId { get; set; }

    public bool IsCanceled => _isCanceled || _parent is { IsCanceled: true };

    public override string ContextDescription => "HostEnvironment";

    public override TException Process<TException>(TException ex)
    {
        ex.Data[ThrowingComponentKey] = "Environment";
        return Contracts.Mark(ex);
    }

    public void AddListener(Action<MessageSource, ChannelMessage> listener) => _listeners.Add(listener);

    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        Contracts.CheckNonEmpty(name, nameof(name));

        // A child seeded by its parent makes a whole pipeline repeatable from one seed.
        lock (_lock)
            return new Host(this, name, seed is int own ? RandomUtils.Create(own) : RandomUtils.Create(_rand));
    }

    public IChannel Start(string name) => new Channel(this, name, _listeners);

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this, name);

    public IProgressChannel StartProgressChannel(string name)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        return new ProgressChannel(this);
    }

    public void CancelExecution() => _isCanceled = true;

    public bool TryAddOption<T>(string name, T value) => _options.TryAdd(CheckName(name), value);

    public void SetOption<T>(string name, T value) => _options[CheckName(name)] = value;

    public bool TryGetOption<T>(string name, out T value)
    {
        bool found = _options.TryGetValue(CheckName(name), out object any) && any is T;
        value = found ? (T)any : default;
        return found;
    }

    // Asking for an option that isn't there creates it.
    public T GetOptionOrDefault<T>(string name)
    {
        _options.TryAdd(CheckName(name), default(T));
        return (T)_options[name];
    }

    public bool RemoveOption(string name) => _options.Remove(CheckName(name));

    private static string CheckName(string name) => string.IsNullOrWhiteSpace(name) ? throw new ArgumentNullException(nameof(name)) : name;

    private sealed class Host(LocalEnvironment parent, string name, Random rand) : LocalEnvironment(parent, name, rand), IHost
    {
        public Random Rand => _rand;
    }
}
