namespace Backbones.Weights;

/// <summary>A weights file, or the config beside it, breaks the rules of its format. The message names the file, the key where there is one, and the rule.</summary>
public sealed class WeightsFormatException : FormatException
{
    /// <summary>An error in a file.</summary>
    /// <param name="source">The file, or where else the bytes came from.</param>
    /// <param name="problem">What is wrong and what would be right.</param>
    /// <param name="innerException">The cause, if another component found it.</param>
    public WeightsFormatException(string source, string problem, Exception? innerException = null)
        : base($"{source}: {problem}", innerException)
    {
        File = source;
    }

    /// <summary>The file, or where else the bytes came from.</summary>
    public string File { get; }
}
