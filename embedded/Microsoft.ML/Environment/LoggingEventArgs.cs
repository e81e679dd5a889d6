using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>A message of a component.</summary>
public class LoggingEventArgs : EventArgs
{
    /// <summary>Creates a message without a source.</summary>
    public LoggingEventArgs(string message) => Message = message;

    /// <summary>Creates a message.</summary>
    public LoggingEventArgs(string message, ChannelMessageKind kind, string source)
    {
        RawMessage = message;
        Kind = kind;
        Source = source;
        Message = $"[Source={source}, Kind={kind}] {message}";
    }

    /// <summary>The component, after its parents.</summary>
    public string Source { get; }

    /// <summary>Severity.</summary>
    public ChannelMessageKind Kind { get; }

    /// <summary>The text with source and severity.</summary>
    public string Message { get; }

    /// <summary>The text alone.</summary>
    public string RawMessage { get; }
}
