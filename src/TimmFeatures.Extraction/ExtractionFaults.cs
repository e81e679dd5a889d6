namespace TimmFeatures.Extraction;

/// <summary>The command line asks for what makes no sense, in a way that only shows when it is looked at as a whole.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>An image cannot be read, and that is an error.</summary>
internal sealed class BadImageException(string message) : Exception(message);

/// <summary>The user stopped the work; the message says how far it came.</summary>
internal sealed class InterruptedException(string message, CancellationToken cancellation) : OperationCanceledException(message, cancellation);
