namespace TimmFeatures.Service;

/// <summary>Messages as clients get them.</summary>
internal static class Sentences
{
    /// <summary>An exception's message in one line, without the parameter's name that .NET adds, which is nothing to a client.</summary>
    public static string Of(Exception e)
    {
        string message = e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message;
        return string.Join(" ", message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
    }
}
