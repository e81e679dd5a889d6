namespace Microsoft.ML.Runtime;

/// <summary>Whoever sends messages and throws exceptions, known by its own name and its parents'.</summary>
internal abstract class MessageSource(string shortName, string parentFullName) : IExceptionContext
{
    public const string ThrowingComponentKey = "Throwing component";
    public const string ParentComponentKey = "Parent component";
    public const string PhaseKey = "Phase";

    public string ShortName { get; } = string.IsNullOrEmpty(shortName) ? null : shortName;

    public string ParentFullName { get; } = string.IsNullOrEmpty(parentFullName) ? null : parentFullName;

    public string FullName => ParentFullName is null ? ShortName : $"{ParentFullName}; {ShortName}";

    public virtual string ContextDescription => FullName;

    public abstract TException Process<TException>(TException ex) where TException : Exception;
}

/// <summary>The listeners of an environment, shared by all its components.</summary>
internal sealed class MessageListeners
{
    private readonly Lock _lock = new();
    private volatile Action<MessageSource, ChannelMessage> _listeners;

    public void Add(Action<MessageSource, ChannelMessage> listener)
    {
        lock (_lock)
            _listeners += listener;
    }

    public void Send(MessageSource source, ChannelMessage message) => _listeners?.Invoke(source, message);
}
