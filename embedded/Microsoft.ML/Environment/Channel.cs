using System.Diagnostics;

namespace Microsoft.ML.Runtime;

/// <summary>A channel for messages that nobody can listen to: only text messages have listeners.</summary>
internal class Pipe<TMessage>(MessageSource parent, string name) : MessageSource(name, parent.FullName), IPipe<TMessage>
{
    private bool _disposed;

    public virtual void Send(TMessage msg)
    {
    }

    public override TException Process<TException>(TException ex)
    {
        ex.Data[ThrowingComponentKey] = parent.ShortName;
        ex.Data[ParentComponentKey] = parent.ParentFullName;
        ex.Data[PhaseKey] = ShortName;
        return Contracts.Mark(ex);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Finish();
    }

    protected virtual void Finish()
    {
    }
}

/// <summary>A channel for text messages, which also tells when it starts and ends.</summary>
internal sealed class Channel : Pipe<ChannelMessage>, IChannel
{
    private readonly MessageListeners _listeners;
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public Channel(MessageSource parent, string name, MessageListeners listeners) : base(parent, name)
    {
        _listeners = listeners;
        Trace(MessageSensitivity.None, "Channel started");
    }

    public override void Send(ChannelMessage msg) => _listeners.Send(this, msg);

    public void Trace(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Trace, sensitivity, fmt));

    public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Trace, sensitivity, fmt, args));

    public void Error(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Error, sensitivity, fmt));

    public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Error, sensitivity, fmt, args));

    public void Warning(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Warning, sensitivity, fmt));

    public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Warning, sensitivity, fmt, args));

    public void Info(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Info, sensitivity, fmt));

    public void Info(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Info, sensitivity, fmt, args));

    protected override void Finish()
    {
        Trace(MessageSensitivity.None, "Channel finished. Elapsed {0:c}.", _watch.Elapsed);
        Trace(MessageSensitivity.None, "Channel disposed");
    }
}
