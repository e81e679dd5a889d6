namespace Microsoft.ML.Runtime;

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
