namespace Microsoft.ML.Runtime;

/// <summary>Opens channels for messages.</summary>
public interface IChannelProvider : IExceptionContext
{
    /// <summary>Opens a channel for text messages.</summary>
    IChannel Start(string name);

    /// <summary>Opens a channel for messages of a type.</summary>
    IPipe<TMessage> StartPipe<TMessage>(string name);
}

/// <summary>A channel for messages of a type.</summary>
public interface IPipe<TMessage> : IExceptionContext, IDisposable
{
    /// <summary>Sends a message.</summary>
    void Send(TMessage msg);
}

/// <summary>A channel for text messages, one method a severity; the second form formats.</summary>
public interface IChannel : IPipe<ChannelMessage>
{
    /// <summary>For whoever looks for errors in the component.</summary>
    void Trace(MessageSensitivity sensitivity, string fmt);

    /// <inheritdoc cref="Trace(MessageSensitivity, string)"/>
    void Trace(MessageSensitivity sensitivity, string fmt, params object[] args);

    /// <summary>Something failed.</summary>
    void Error(MessageSensitivity sensitivity, string fmt);

    /// <inheritdoc cref="Error(MessageSensitivity, string)"/>
    void Error(MessageSensitivity sensitivity, string fmt, params object[] args);

    /// <summary>Something is probably not as it was meant.</summary>
    void Warning(MessageSensitivity sensitivity, string fmt);

    /// <inheritdoc cref="Warning(MessageSensitivity, string)"/>
    void Warning(MessageSensitivity sensitivity, string fmt, params object[] args);

    /// <summary>What the component does.</summary>
    void Info(MessageSensitivity sensitivity, string fmt);

    /// <inheritdoc cref="Info(MessageSensitivity, string)"/>
    void Info(MessageSensitivity sensitivity, string fmt, params object[] args);
}

/// <summary>Severity of a message.</summary>
public enum ChannelMessageKind
{
    /// <summary>For whoever looks for errors in the component.</summary>
    Trace = 0,

    /// <summary>What the component does.</summary>
    Info = 1,

    /// <summary>Something is probably not as it was meant.</summary>
    Warning = 2,

    /// <summary>Something failed.</summary>
    Error = 3,
}

/// <summary>What a message may give away.</summary>
[Flags]
public enum MessageSensitivity
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Values of the user's data.</summary>
    UserData = 1,

    /// <summary>Names in the user's schema.</summary>
    Schema = 2,

    /// <summary>Not known: treat as everything.</summary>
    Unknown = ~None,

    /// <summary>Everything.</summary>
    All = Unknown,
}

/// <summary>A text message.</summary>
public readonly struct ChannelMessage
{
    private readonly string _format;
    private readonly object[] _args;

    /// <summary>Severity.</summary>
    public readonly ChannelMessageKind Kind;

    /// <summary>What the text may give away.</summary>
    public readonly MessageSensitivity Sensitivity;

    internal ChannelMessage(ChannelMessageKind kind, MessageSensitivity sensitivity, string format, object[] args = null)
    {
        Contracts.CheckNonEmpty(format, nameof(format));
        (Kind, Sensitivity, _format, _args) = (kind, sensitivity, format, args);
    }

    /// <summary>The text; formatted when asked for, so that unread messages cost little.</summary>
    public string Message => _args is null ? _format : string.Format(_format, _args);
}

/// <summary>Shorter forms for messages that are not sorted by sensitivity.</summary>
internal static class ChannelExtensions
{
    public static void Warning(this IChannel channel, string message) => channel.Warning(MessageSensitivity.Unknown, message);

    public static void Info(this IChannel channel, string message) => channel.Info(MessageSensitivity.Unknown, message);
}
