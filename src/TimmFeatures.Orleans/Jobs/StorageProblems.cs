namespace TimmFeatures.Orleans.Jobs;

/// <summary>What storages say, in a line: the SDKs' own words are many, and may have parts of a request in them.</summary>
internal static class StorageProblems
{
    /// <summary>The credentials are not known, or not allowed to.</summary>
    /// <param name="what">What was to be done.</param>
    /// <param name="code">The storage's name for the reason.</param>
    /// <param name="credentials">Where the credentials come from.</param>
    /// <param name="e">What the SDK threw.</param>
    public static UnauthorizedAccessException Refused(string what, string? code, string credentials, Exception e)
        => new($"Cannot {what}: it is refused ({code}). {credentials} must be of an account that may read, write, list and delete there.", e);

    /// <summary>There is no such container.</summary>
    public static DirectoryNotFoundException NoContainer(string what, string container, Exception e) => new($"Cannot {what}: there is no {container}. Make it first, or name one that is there.", e);

    /// <summary>Nobody answers.</summary>
    public static IOException Unreachable(string what, string endpoint, Exception e) => new($"Cannot {what}: no answer from {endpoint} ({Innermost(e)}). Is the address right, and the service running?", e);

    /// <summary>Anything else.</summary>
    public static IOException Failed(string what, int status, string? code, Exception e, string hint = "") => new($"Cannot {what}: the storage answers {status} {code}.{hint}", e);

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
            e = inner;
        return e.Message.Split('\n')[0].Trim().TrimEnd('.');
    }
}
