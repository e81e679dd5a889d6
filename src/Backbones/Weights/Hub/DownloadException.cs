namespace Backbones.Weights.Hub;

/// <summary>Why a download failed.</summary>
public enum DownloadFailure
{
    /// <summary>Downloading is forbidden.</summary>
    Offline,
    /// <summary>No connection, or none that lasts: an unknown host, a refused connection, a certificate, a proxy, a timeout.</summary>
    Unreachable,
    /// <summary>The server answers with errors, or with what no hub answers.</summary>
    Server,
    /// <summary>There is no such repository, revision or file, or it is private.</summary>
    NotFound,
    /// <summary>Access has to be asked for, or the token is not valid.</summary>
    Denied,
    /// <summary>What arrives is not what was announced: another size or another hash.</summary>
    Damaged,
    /// <summary>The cache cannot be written: no space, no permission.</summary>
    Storage,
}

/// <summary>A file could not be downloaded. The message names the host, the file and the reason; nothing half-received was left in place of a file.</summary>
public sealed class DownloadException : IOException
{
    internal DownloadException(DownloadFailure failure, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Failure = failure;
    }

    /// <summary>Why.</summary>
    public DownloadFailure Failure { get; }

    /// <summary>Whether the same request may succeed a little later.</summary>
    internal bool IsTransient { get; init; }

    /// <summary>How long the server asks to wait before that.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether the repository is there and this file is not in it.</summary>
    internal bool IsFileMissing { get; init; }

    /// <summary>Whether the file became another one between the question and the download.</summary>
    internal bool IsChanged { get; init; }
}
