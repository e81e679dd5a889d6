namespace TimmFeatures.Cli;

/// <summary>What the process ends with. Documented in docs/command-line.md.</summary>
internal static class ExitCode
{
    /// <summary>Everything asked for was done.</summary>
    public const int Success = 0;

    /// <summary>It could not be done: a model, a file, weights, a disk. The reason is one line on standard error.</summary>
    public const int Failure = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>An image cannot be read and bad images are not to be skipped.</summary>
    public const int BadImage = 3;

    /// <summary>Ctrl-C (128 + SIGINT).</summary>
    public const int Interrupted = 130;

    /// <summary>SIGTERM (128 + SIGTERM).</summary>
    public const int Terminated = 143;
}
