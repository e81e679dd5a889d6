using System.Globalization;
using System.Text;
using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>What is wrong with weights for a model.</summary>
/// <param name="Missing">Keys that the model has and the weights lack.</param>
/// <param name="Unexpected">Keys that the weights have and the model lacks.</param>
/// <param name="Misshaped">Keys whose shape or kind of element differs, each with both.</param>
/// <param name="NonFinite">Keys with NaN or infinite values.</param>
/// <param name="LikelyModel">The model that the weights look like.</param>
internal sealed record ParameterMismatch(
    IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<string> Misshaped, IReadOnlyList<string> NonFinite, string? LikelyModel = null)
{
    public bool Any => Missing.Count + Unexpected.Count + Misshaped.Count + NonFinite.Count > 0;

    /// <summary>What must be taken off the weights' keys so that at least half of the missing ones are there; null if nothing does it.</summary>
    public string? Prefix
    {
        get
        {
            HashSet<string> keys = new(Unexpected, StringComparer.Ordinal);
            return Missing.Take(3).SelectMany(m => Unexpected.Where(u => u.EndsWith("." + m, StringComparison.Ordinal)).Select(u => u[..^m.Length])).Distinct()
                .FirstOrDefault(p => Missing.Count(m => keys.Contains(p + m)) * 2 >= Missing.Count);
        }
    }
}

/// <summary>Weights do not fit a model. Everything that is wrong is listed at once.</summary>
public sealed class ParameterMismatchException : Exception
{
    /// <summary>A message has so many lines of one kind at most, fewer where several kinds are wrong; the lists are complete.</summary>
    private const int MostShown = 5;

    internal ParameterMismatchException(string source, ParameterMismatch found) : base(Describe(source, found))
    {
        (Missing, Unexpected, Misshaped, NonFinite) = (found.Missing, found.Unexpected, found.Misshaped, found.NonFinite);
    }

    /// <summary>Keys that the model has and the weights lack.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Keys that the weights have and the model lacks.</summary>
    public IReadOnlyList<string> Unexpected { get; }

    /// <summary>Keys whose shape or kind of element differs, each with what the weights have and what the model takes.</summary>
    public IReadOnlyList<string> Misshaped { get; }

    /// <summary>Keys with NaN or infinite values, each with the first position and the count.</summary>
    public IReadOnlyList<string> NonFinite { get; }

    private static string Describe(string source, ParameterMismatch found)
    {
        (string Short, string Title, IReadOnlyList<string> Lines)[] kinds =
        [
            .. new (string, string, IReadOnlyList<string> Lines)[]
            {
                ("missing", "missing (in the model, not in the weights)", found.Missing),
                ("unexpected", "unexpected (in the weights, not in the model)", found.Unexpected),
                ("mis-shaped", "mis-shaped", found.Misshaped),
                ("with NaN or infinity", "with NaN or infinity", found.NonFinite),
            }.Where(k => k.Lines.Count > 0),
        ];
        StringBuilder text = new($"The weights in {source} do not fit the model: ");
        text.AppendJoin(", ", kinds.Select(k => $"{k.Lines.Count} {k.Short}")).Append('.');
        if (found.Prefix is { } prefix)
            text.Append(CultureInfo.InvariantCulture, $"\nThe keys are the model's behind '{prefix}': set KeyPrefix = \"{prefix}\".");
        else if (found.LikelyModel is { } model)
            text.Append(CultureInfo.InvariantCulture, $"\nThis file looks like '{model}'.");
        // 20 lines in all: two before the lists, a title for each, and one line that says how many more there are.
        int shown = kinds.Length <= 2 ? MostShown : kinds.Length == 3 ? 4 : 2;
        foreach ((_, string title, IReadOnlyList<string> lines) in kinds)
        {
            text.Append('\n').Append(title).Append(':');
            foreach (string line in lines.Take(shown))
                text.Append("\n  ").Append(line).Append(lines == found.Missing ? Near(line, found.Unexpected) : "");
            if (lines.Count > shown)
                text.Append(CultureInfo.InvariantCulture, $"\n  … and {lines.Count - shown} more");
        }
        return text.ToString();
    }

    /// <summary>A key is near another of the same numbers: layer1.1 and layer3.0 are two blocks, not one mistyped.</summary>
    private static string Near(string key, IReadOnlyList<string> unexpected)
        => NearestName.Find(key, unexpected.Where(u => Digits(u) == Digits(key)), 1) is [string near] ? $" (near it, unexpected: {near})" : "";

    private static string Digits(string key) => string.Join('.', key.Split('.').Where(p => p.Any(char.IsAsciiDigit)));
}
