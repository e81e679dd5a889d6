namespace Backbones.Registry;

/// <summary>There is no model, or no pretrained tag, of that name. The message has the nearest names.</summary>
public sealed class UnknownModelException : ArgumentException
{
    /// <summary>An unknown name.</summary>
    /// <param name="name">What was asked for.</param>
    /// <param name="problem">A sentence that says so; the suggestions follow it.</param>
    /// <param name="suggestions">Names that exist and are near, best first.</param>
    /// <param name="known">A last sentence, such as a list of all that is valid.</param>
    internal UnknownModelException(string name, string problem, IReadOnlyList<string> suggestions, string known = "")
        : base(problem + (suggestions.Count == 0 ? "" : $" Did you mean {string.Join(", ", suggestions.Select(s => $"'{s}'"))}?") + known)
    {
        Name = name;
        Suggestions = suggestions;
    }

    /// <summary>The same, said with where the name was.</summary>
    internal UnknownModelException(UnknownModelException unknown, string message)
        : base(message, unknown)
    {
        Name = unknown.Name;
        Suggestions = unknown.Suggestions;
    }

    /// <summary>What was asked for.</summary>
    public string Name { get; }

    /// <summary>Names that exist and are near, best first; may be empty.</summary>
    public IReadOnlyList<string> Suggestions { get; }
}
